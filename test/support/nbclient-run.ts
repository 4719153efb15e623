/** Runs notebooks through nbclient, with the Python of the image and in a sandbox like that of a kernel. */
import { chown, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { type Notebook, parseNotebook } from '../../server/kernel/notebook.ts'
import { fontMounts, HOME, systemEnvironment } from '../../server/sandbox/environment.ts'
import type { SandboxHost } from '../../server/sandbox/host.ts'
import type { Image } from '../../server/sandbox/image.ts'
import { openSandbox } from '../../server/sandbox/process.ts'
import { DEFAULT_LIMITS } from '../../server/sandbox/spec.ts'

export interface PeerRun {
  /** What the format's own check says of the file before the run; null when nothing is wrong with it. */
  readonly invalid: string | null
  /** The class of what nbclient raised; null when it ran to the end. */
  readonly error: string | null
  readonly notebook: Notebook
}

/** The notebooks as nbclient leaves them, by file name. All must be in one folder. */
export async function runInNbclient(
  paths: readonly [string, ...string[]],
  image: Image,
  host: SandboxHost,
): Promise<Map<string, PeerRun>> {
  await using parts = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'fieldbook-nbclient-'))
  parts.defer(() => rm(folder, { recursive: true, force: true }))
  const { uid, release } = host.takeUid()
  parts.defer(release)
  if (uid !== undefined) await chown(folder, uid, uid)
  const process = parts.use(
    await openSandbox(
      {
        command: [
          image.python,
          '/support/nbclient_run.py',
          '/out/results.json',
          ...paths.map((path) => `/notebooks/${basename(path)}`),
        ],
        cwd: '/out',
        env: systemEnvironment(image, HOME),
        mounts: [
          ...image.mounts,
          ...fontMounts(image),
          { source: import.meta.dirname, target: '/support' },
          { source: dirname(paths[0]), target: '/notebooks' },
          { source: folder, target: '/out', writable: true },
        ],
        limits: DEFAULT_LIMITS,
        ...(uid === undefined ? {} : { uid }),
      },
      host,
    ),
  )
  const ending = await process.exited
  if (ending.exitCode !== 0) throw new Error(`nbclient ended with ${ending.exitCode}: ${ending.stderrTail}`)
  const results: unknown = JSON.parse(await readFile(join(folder, 'results.json'), 'utf8'))
  // Written by our own script.
  const written = Object.entries(results as Record<string, Omit<PeerRun, 'notebook'> & { notebook: unknown }>)
  return new Map(
    written.map(([name, peer]) => [
      name,
      { ...peer, notebook: parseNotebook(Buffer.from(JSON.stringify(peer.notebook))) },
    ]),
  )
}
