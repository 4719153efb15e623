/** The notebooks of `test/attacks/`: what each tries, how it must end, and what must be there afterwards. */

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface Attack {
  readonly name: string
  /** The file as it is uploaded. */
  readonly ipynb: string
  /** Numbers of the list in docs/measurements/2026-11-attacks.md. */
  readonly threats: readonly number[]
  readonly ends: {
    readonly status: string | readonly string[]
    /** The name of the first of `executionErrors`, where there is one. */
    readonly cause?: string | readonly string[]
    /** Instead of `cause`, for kernels that start cold. */
    readonly cold?: string | readonly string[]
    readonly message?: string
  }
  /** Levels of the sandbox at which it must end so; all when left out. Level 1 promises less, see docs/security.md. */
  readonly levels?: readonly number[]
  /** What a machine must have for this to end so; it is skipped with that reason elsewhere. */
  readonly needs?: 'cgroup' | 'cgroup when cold' | 'a count of its own processes'
  /** Limits of the notebook's own. */
  readonly limits?: Readonly<Record<string, number>>
  /** Texts that `result.log` has, and such as it has not. */
  readonly keeps: readonly string[]
  readonly never?: readonly string[]
  /**
   * Configured outputs: the text that is stored, null for one that may not be, or several that would do. What is in a
   * folder comes with the folder.
   */
  readonly outputs?: Readonly<Record<string, string | null | readonly (string | null)[]>>
  /** A text on the command line of what it leaves behind. */
  readonly marker?: string
  /** It is told where the test listens. */
  readonly context?: boolean
  /** Run a second time, which must end the same. */
  readonly twice?: boolean
  /** Files that are opened in a browser, and must be boxed in there. */
  readonly boxed?: readonly string[]
  /** Something of what it printed is not kept, and the result says so. */
  readonly cut?: boolean
}

const FOLDER = join(import.meta.dirname, '../attacks')

/** All of them, by name. */
export async function readAttacks(): Promise<Attack[]> {
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith('.ipynb')).sort()
  return Promise.all(
    names.map(async (name) => {
      const ipynb = await readFile(join(FOLDER, name), 'utf8')
      const { metadata } = JSON.parse(ipynb)
      return { ...metadata.attack, name: name.replace(/\.ipynb$/, ''), ipynb }
    }),
  )
}

/** Cells of a run that goes on beside the attacks: it has things of its own, and at its end they must be as they were. */
export const NEIGHBOUR = [
  `import hashlib, json, os, socket, subprocess, time
places = {"/tmp", "/dev/shm", os.environ["HOME"], os.getcwd(), os.environ["OUTPUT_DIR"]}
if not os.path.isdir("/in"):
    places -= {"/tmp", "/dev/shm"}  # without namespaces these are the machine's, and closed
for place in places:
    with open(os.path.join(place, "mine"), "w") as file:
        file.write(place)
server = socket.create_server(("127.0.0.1", 0)) if os.path.isdir("/in") else None
child = subprocess.Popen(["sleep", "600"])
began = time.monotonic()`,
  `digest = b"start"
rounds = 0
while time.monotonic() - began < 1:
    for _ in range(10_000):
        digest = hashlib.sha256(digest).digest()
    rounds += 10_000`,
  `again = b"start"
for _ in range(rounds):
    again = hashlib.sha256(again).digest()
assert again == digest
assert child.poll() is None
for place in places:
    assert open(os.path.join(place, "mine")).read() == place
    assert not [name for name in os.listdir(place) if name.startswith(("planted", "fill", "spar"))], os.listdir(place)
if server:
    server.settimeout(0)
    try:
        server.accept()
        raise AssertionError("a stranger at the door")
    except BlockingIOError:
        pass
child.kill()
print("unharmed")`,
] as const
