/**
 * Pages from a resident process: a fork server of its own for each image, which has nbconvert ready and forks a child for
 * each page. The child shuts itself in like a kernel before it hears of a notebook, makes one page, and is gone; the
 * server itself never sees one. Nothing is started before the first page is asked for.
 */
import { stat } from 'node:fs/promises'
import { messageOf } from '../ground/errors.ts'
import type { Log } from '../ground/log.ts'
import { ForkFailed, type ForkServer, openForkServer } from '../kernel/fork-server.ts'
import { openForkedProcess } from '../kernel/forked-process.ts'
import { openingOrder } from '../kernel/opening-order.ts'
import { openSeatFolder } from '../kernel/seat.ts'
import type { SandboxHost } from '../sandbox/host.ts'
import type { Image } from '../sandbox/image.ts'
import { isTimeout } from '../sandbox/process.ts'
import type { SandboxLimits } from '../sandbox/spec.ts'
import { exchangePage } from './exchange.ts'
import { failed, type Rendered, type RenderRequest, whyFailed } from './rendering.ts'

export interface ResidentOptions {
  readonly host: SandboxHost
  readonly root: string
  readonly limits: SandboxLimits
  readonly log: Log
  readonly forking: boolean
}

export interface ResidentState {
  readonly ready: boolean
  readonly pid?: number
  readonly problem?: string
}

export interface ResidentPages extends AsyncDisposable {
  warm(image: Image): void
  /** Undefined when there is no such process and none can be had; the page is then made another way. */
  page(request: RenderRequest, deadlineMs: number): Promise<Rendered | undefined>
  readonly state: Readonly<Record<string, ResidentState>>
}

/** What children of this fork server do instead of being kernels. */
const SERVES = 'render.resident:serve'
/** After a fork server that could not be started the next one is tried when this has passed. */
const PAUSE_MS = 60_000

/** One image's process: being started, there, or given up for a while. */
interface Entry {
  readonly opening: Promise<ForkServer | undefined>
  server?: ForkServer
  problem?: string
}

/** Starts nothing yet. */
export function openResidentPages(options: ResidentOptions): ResidentPages {
  const { host, root, limits, log } = options
  // With the sandbox off there is nothing to enter, and level 0 otherwise refuses notebooks.
  const forking = options.forking && host.level > 0
  const closing = new AbortController()
  const entries = new Map<string, Entry>()
  const ending = new Set<Promise<void>>()

  const start = (image: Image): Entry => {
    const entry: Entry = { opening: open(image).catch((error: unknown) => giveUp(image, entry, error)) }
    return entry
  }
  const open = async (image: Image): Promise<ForkServer> => {
    const opening = openingOrder(image, host, root, SERVES)
    const server = await openForkServer(image, opening, root, closing.signal)
    const { pid, up } = server
    log.info({ pid, preloadMs: up.preloadMs }, 'pages are made by a resident process')
    const entry = entries.get(image.version)
    if (entry) entry.server = server
    void server.ended.then((why) => {
      if (entries.get(image.version) === entry) entries.delete(image.version) // the next page starts another one
      if (!closing.signal.aborted) log.warn({ why }, 'the process that makes pages ended')
      ending.add(Promise.resolve(server[Symbol.asyncDispose]()))
    })
    return server
  }
  const giveUp = (image: Image, entry: Entry, error: unknown): undefined => {
    entry.problem = messageOf(error)
    if (closing.signal.aborted) return undefined
    log.warn({ problem: entry.problem }, 'no resident process makes pages; each takes a second')
    setTimeout(() => entries.delete(image.version), PAUSE_MS).unref()
    return undefined
  }
  const entryOf = (image: Image): Entry => {
    const known = entries.get(image.version) ?? start(image)
    entries.set(image.version, known)
    return known
  }

  return {
    warm: (image) => {
      if (forking) entryOf(image)
    },
    page: async (request, deadlineMs) => {
      request.signal?.throwIfAborted()
      if (!forking) return undefined
      // The second try is for a server that was found dead with the first.
      for (let left = 2; left > 0; left -= 1) {
        const server = await entryOf(request.image).opening
        if (!server) return undefined
        try {
          return await pageFrom(server, request, { host, root, limits, deadlineMs })
        } catch (error) {
          if (!(error instanceof ForkFailed)) throw error
          log.warn({ error: error.message }, 'no child forked for a page')
        }
      }
      return undefined
    },
    get state() {
      return Object.fromEntries(
        [...entries].map(([version, { server, problem }]) => [
          version,
          { ready: server !== undefined, ...(server ? { pid: server.pid } : {}), ...(problem ? { problem } : {}) },
        ]),
      )
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort(new Error('closed'))
      const servers = await Promise.all([...entries.values()].map(({ opening }) => opening))
      await Promise.all(servers.map((server) => server?.[Symbol.asyncDispose]()))
      await Promise.all(ending)
    },
  }
}

/** One child for one page. @throws ForkFailed when there is none */
async function pageFrom(
  server: ForkServer,
  request: RenderRequest,
  { host, root, limits, deadlineMs }: Pick<ResidentOptions, 'host' | 'root' | 'limits'> & { deadlineMs: number },
): Promise<Rendered> {
  const { image, signal } = request
  await using parts = new AsyncDisposableStack()
  const folder = parts.use(await openSeatFolder(root))
  const forked = await openForkedProcess(server, { host, id: folder.id, image, folder: folder.path, limits })
  parts.defer(() => forked.release())
  const { fork, process } = forked
  const deadline = setTimeout(() => process.end('timeout'), deadlineMs)
  parts.defer(() => clearTimeout(deadline))
  const onAbort = () => process.end(isTimeout(signal?.reason) ? 'timeout' : 'canceled')
  signal?.addEventListener('abort', onAbort, { once: true })
  parts.defer(() => signal?.removeEventListener('abort', onAbort))
  if (signal?.aborted) onAbort()

  const { size } = await stat(request.ipynbPath)
  const answer = await exchangePage(fork.socket, { ...request, sizeBytes: size }, `${request.path}.part`)
  if (answer.kind !== 'cut') return answer
  const ending = await process.exited
  return failed(whyFailed('The conversion to HTML', ending), ending)
}
