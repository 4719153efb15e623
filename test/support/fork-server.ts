/**
 * Speaks to a fork server raw: orders and events on the control channel, and `fork_probe.py` in the kernel's place, which
 * evaluates Python inside the sandbox that a run would have. Nothing of the service stands between a test and the sandbox.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, chown, cp, lstat, mkdir, mkdtemp, readlink, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Duplex } from 'node:stream'
import { seccompProgram } from '../../server/sandbox/seccomp.ts'
import { testImage } from './image.ts'

export type Event = Readonly<Record<string, unknown>>

export const LIMITS = {
  memoryBytes: 2 ** 30,
  processes: 64,
  openFiles: 256,
  fileBytes: 64 * 2 ** 20,
  temporaryBytes: 8 * 2 ** 20,
  temporaryFiles: 100,
  outputBytes: 4 * 2 ** 20,
  outputFiles: 50,
  dataBytes: null as number | null,
}

export const HOME = '/home/notebook'

/** The exact variables of every kernel that these tests start. */
export const ENVIRONMENT = { HOME, INPUT_DIR: '/in', OUTPUT_DIR: '/out', PATH: '/usr/bin:/bin', TZ: 'Asia/Tokyo' }

export const SYSTEM_PYTHON = '/usr/bin/python3'
const ROOT = join(import.meta.dirname, '../..')

/** The inside of one sandbox. */
export interface Probe {
  readonly id: string
  /** The run's folder on the machine. */
  readonly folder: string
  /** The value of a Python expression, after some statements; an exception rejects with its name first. */
  ask(expression: string, statements?: string): Promise<unknown>
  /** Statements that end the process, or whose answer is of no interest. */
  tell(statements: string): void
  /** Resolves with the `exit` event. */
  readonly exited: Promise<Event>
  /** Resolves when no process holds the run's socket any more. */
  readonly hungUp: Promise<unknown>
}

export interface TestForkServer extends AsyncDisposable {
  readonly process: ChildProcess
  readonly up: Event
  send(order: Event): void
  /** The first event that has come or will come for which this holds. */
  event(holds: (event: Event) => boolean): Promise<Event>
  /** Forks one probe and resolves when it is shut in; rejects with the reason when it is not. */
  probe(order?: { uid?: number | null; groups?: readonly string[]; limits?: Partial<typeof LIMITS> }): Promise<Probe>
}

export interface ForkServerOptions {
  readonly level?: 3 | 2 | 1
  readonly cgroups?: readonly string[]
  readonly mounts?: readonly { source: string; target: string }[]
  /** The folder below which runs have theirs, if not a new one in the system's temporary folder. */
  readonly host?: string
  /** Drops root for another user id, with the system's Python: the image's may lie where that one can't go. */
  readonly asUser?: number
}

// Nobody else's, not even those of a test file that runs at the same time: without namespaces a run is killed by its id.
let nextUid = 1_000_000 + 1000 * process.pid

/** Starts one; its end is the end of the object. */
export async function openTestForkServer(options: ForkServerOptions = {}): Promise<TestForkServer> {
  const image = await testImage()
  await using parts = new AsyncDisposableStack()
  const base = await mkdtemp(join(tmpdir(), 'fb-fork-'))
  parts.defer(() => rm(base, { recursive: true, force: true }))
  await chmod(base, 0o755)
  const host = options.host ?? join(base, 'work')
  await mkdir(host, { recursive: true })
  const listener = join(base, 's')
  const sockets = new Map<string, (arrived: { socket: Socket; lines: AsyncIterator<string> }) => void>()
  const door = createServer((socket) => void greet(socket))
  const greet = async (socket: Socket) => {
    socket.on('error', () => {})
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
    const first: unknown = await lines.next()
    const { value } = first as { value?: string } // the iterator's own shape
    if (value !== undefined) sockets.get(String(JSON.parse(value).id))?.({ socket, lines })
  }
  door.listen(listener)
  await once(door, 'listening')
  await chmod(listener, 0o777)
  parts.defer(() => void door.close())

  const { asUser } = options
  const isRoot = process.getuid?.() === 0 && asUser === undefined
  const level = options.level ?? (isRoot ? 3 : 2)
  const ours = join(base, 'ours')
  await cp(join(ROOT, 'runner/fork_server.py'), join(ours, 'fork_server.py'))
  await cp(join(ROOT, 'runner/forks'), join(ours, 'forks'), { recursive: true })
  await cp(join(ROOT, 'test/support/fork_probe.py'), join(ours, 'fork_probe.py'))
  // Where nothing is mounted, or somebody else runs, only files that anybody may read will do.
  const common = asUser !== undefined || (level === 1 && process.getuid?.() === 0)
  const change = asUser === undefined ? [] : ['setpriv', `--reuid=${asUser}`, `--regid=${asUser}`, '--clear-groups']
  const python = common ? SYSTEM_PYTHON : image.python
  const [program = '', ...args] = [...change, python, '-B', join(ours, 'fork_server.py')]
  const child = spawn(program, args, {
    cwd: '/',
    env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', OPENBLAS_NUM_THREADS: '1', ...(common ? {} : image.env) },
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  })
  const ended = once(child, 'exit')
  const control = child.stdio[3]
  if (!(control instanceof Duplex)) throw new Error('no control channel')
  control.on('error', () => {})
  parts.defer(async () => {
    control.destroy()
    await ended
  })

  const events: Event[] = []
  const waiting = new Set<() => void>()
  createInterface({ input: control }).on('line', (line) => {
    events.push(JSON.parse(line))
    for (const look of waiting) look()
  })
  const event = (holds: (event: Event) => boolean) =>
    new Promise<Event>((resolve, reject) => {
      const look = () => {
        const found = events.find(holds)
        if (!found) return
        waiting.delete(look)
        resolve(found)
      }
      waiting.add(look)
      look()
      void ended.then(() => reject(new Error('the fork server has ended')))
    })
  const send = (order: Event) => void control.write(`${JSON.stringify(order)}\n`)

  const filter = process.arch === 'arm64' ? 'arm64' : 'x64'
  send({
    op: 'open',
    level,
    seccomp: seccompProgram(filter).toString('base64'),
    seccompBare: seccompProgram(filter, isRoot ? 'own user id' : 'shared user id').toString('base64'),
    rootLinks: await rootLinks(),
    mounts: [...(common ? [] : image.mounts), ...(options.mounts ?? [])],
    host,
    listener,
    cgroups: options.cgroups ?? [],
    env: ENVIRONMENT,
    home: HOME,
    etc: ['alternatives', 'ld.so.cache', 'fonts', 'no-such-file'],
    serve: 'fork_probe:serve',
  })
  const up = await event(({ ev }) => ev === 'up' || ev === 'failed')
  if (up['ev'] === 'failed') throw new Error(String(up['why']))

  const probe: TestForkServer['probe'] = async (order = {}) => {
    const id = randomBytes(8).toString('hex')
    const folder = join(host, id)
    await mkdir(join(folder, 'in'), { recursive: true })
    const uid = order.uid === undefined ? (isRoot ? nextUid++ : null) : order.uid
    const arrived = new Promise<{ socket: Socket; lines: AsyncIterator<string> }>((resolve) => sockets.set(id, resolve))
    if (level === 1) await plainFolders(folder, uid ?? asUser)
    send({ op: 'spawn', id, uid, groups: order.groups ?? [], limits: { ...LIMITS, ...order.limits } })
    const said = await event((e) => e['id'] === id)
    if (said['ev'] !== 'spawned') throw new Error(String(said['why']))
    const { socket, lines } = await arrived
    const exited = event((e) => e['id'] === id && e['ev'] === 'exit')
    exited.catch(() => {}) // not every test waits for it
    const hungUp = new Promise((resolve) => socket.once('close', resolve))
    return {
      id,
      folder,
      hungUp,
      exited,
      tell: (statements) => void socket.write(`${JSON.stringify({ run: statements })}\n`),
      ask: async (expression, statements) => {
        socket.write(`${JSON.stringify({ ...(statements ? { run: statements } : {}), value: expression })}\n`)
        const { value, done } = await lines.next()
        if (done) throw new Error('the probe has ended')
        const answer = JSON.parse(value)
        if ('error' in answer) throw new Error(`${answer.error}: ${answer.says}`)
        return answer.value
      },
    }
  }
  const owned = parts.move()
  return { process: child, up, send, event, probe, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** What the service makes where no mount can. */
async function plainFolders(folder: string, owner: number | undefined): Promise<void> {
  for (const name of ['out', 'work']) {
    await mkdir(join(folder, name), { mode: 0o700 })
    if (owner !== undefined && process.getuid?.() === 0) await chown(join(folder, name), owner, owner)
  }
}

async function rootLinks() {
  const links = []
  for (const path of ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32']) {
    const entry = await lstat(path).catch(() => undefined)
    if (entry) links.push(entry.isSymbolicLink() ? { path, target: await readlink(path) } : { path })
  }
  return links
}
