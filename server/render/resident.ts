/**
 * Pages from a resident process: a fork server of its own for each image, which has nbconvert ready and forks a child for
 * each page, one ahead. The child shuts itself in like a kernel before it hears of a notebook; the server itself never
 * sees one. Nothing is started before the first page is asked for, and nothing stays when none is asked for any more.
 */
import { messageOf } from '../ground/errors.ts'
import type { Log } from '../ground/log.ts'
import { ForkFailed, type ForkServer, openForkServer } from '../kernel/fork-server.ts'
import { openingOrder } from '../kernel/opening-order.ts'
import type { Image } from '../sandbox/image.ts'
import { type ChildPlace, openPageChild, type PageChild } from './page-child.ts'
import type { Rendered, RenderRequest } from './rendering.ts'

export interface ResidentOptions extends ChildPlace {
  readonly log: Log
  /** false: there are none, every page is made another way. */
  readonly forking: boolean
  /** After the last page the process goes when this has passed. */
  readonly idleMs: number
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

/** Starts nothing yet. */
export function openResidentPages(options: ResidentOptions): ResidentPages {
  // With the sandbox off there is nothing to enter, and level 0 otherwise refuses notebooks.
  const forking = options.forking && options.host.level > 0
  const residents = new Map<string, Resident>()
  let isClosed = false

  const residentOf = (image: Image): Resident => {
    const known = residents.get(image.version)
    if (known && !known.isOver) return known
    const fresh = new Resident(image, options)
    residents.set(image.version, fresh)
    return fresh
  }
  return {
    warm: (image) => {
      if (forking && !isClosed) residentOf(image)
    },
    page: async (request, deadlineMs) => {
      request.signal?.throwIfAborted()
      // The second try is for a server that was found dead with the first.
      for (let left = 2; forking && !isClosed && left > 0; left -= 1) {
        const child = await residentOf(request.image).take()
        if (child) return await child.page(request, deadlineMs)
      }
      return undefined
    },
    get state() {
      return Object.fromEntries([...residents].map(([version, resident]) => [version, resident.state]))
    },
    [Symbol.asyncDispose]: async () => {
      isClosed = true
      await Promise.all([...residents.values()].map((resident) => resident[Symbol.asyncDispose]()))
    },
  }
}

/** One image's process, from when it is first wanted until it ends, is given up or closed. */
class Resident implements AsyncDisposable {
  readonly #image: Image
  readonly #options: ResidentOptions
  readonly #closing = new AbortController()
  readonly #opening: Promise<ForkServer | undefined>
  /** Children that make a page or are being cleared away. */
  readonly #busy = new Set<Promise<void>>()
  #server: ForkServer | undefined
  #spare: Promise<PageChild | undefined> | undefined
  #problem: string | undefined
  #idle: NodeJS.Timeout | undefined
  /** Being made. */
  #pages = 0
  #over = false
  #closed: Promise<void> | undefined

  constructor(image: Image, options: ResidentOptions) {
    this.#image = image
    this.#options = options
    this.#opening = this.#open().catch((error: unknown) => this.#giveUp(error))
  }

  /** Whether another one is to be made for the next page. */
  get isOver(): boolean {
    return this.#over
  }

  get state(): ResidentState {
    const problem = this.#problem
    const server = this.#over ? undefined : this.#server
    return { ready: server !== undefined, ...(server ? { pid: server.pid } : {}), ...(problem ? { problem } : {}) }
  }

  /** A child that waits for a notebook, which is cleared away after its page; undefined when there is none. */
  async take(): Promise<{ page: PageChild['page'] } | undefined> {
    this.#pages += 1
    const child = await this.#next().catch((error: unknown) => {
      this.#pageOver()
      throw error
    })
    if (!child) {
      this.#pageOver()
      return undefined
    }
    return {
      page: async (request, deadlineMs) => {
        try {
          return await child.page(request, deadlineMs)
        } finally {
          // Beside whatever comes next: the page need not wait for either.
          this.#clear(child)
          if (!this.#over) this.#spare ??= this.#forkAhead()
          this.#pageOver()
        }
      },
    }
  }

  /** The spare, or one that is forked now. */
  async #next(): Promise<PageChild | undefined> {
    clearTimeout(this.#idle)
    const spare = this.#spare
    this.#spare = undefined
    const waiting = await spare
    const child = waiting?.isGone === false ? waiting : await this.#fork()
    if (waiting && waiting !== child) this.#clear(waiting)
    return child
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #open(): Promise<ForkServer> {
    const { host, root, log } = this.#options
    const opening = openingOrder(this.#image, host, root, SERVES)
    const server = await openForkServer(this.#image, opening, root, this.#closing.signal)
    this.#server = server
    log.info({ pid: server.pid, preloadMs: server.up.preloadMs }, 'pages are made by a resident process')
    this.#restUntilWanted()
    void server.ended.then((why) => {
      if (!this.#over) log.warn({ why }, 'the process that makes pages ended; the next page starts another one')
      void this[Symbol.asyncDispose]()
    })
    return server
  }

  #giveUp(error: unknown): undefined {
    if (this.#over) return undefined
    this.#problem = messageOf(error)
    this.#options.log.warn({ problem: this.#problem }, 'no resident process makes pages; each takes a second')
    setTimeout(() => {
      this.#over = true
    }, PAUSE_MS).unref()
    return undefined
  }

  async #fork(): Promise<PageChild | undefined> {
    const server = await this.#opening
    if (!server) return undefined
    try {
      return await openPageChild(server, this.#image, this.#options)
    } catch (error) {
      if (!(error instanceof ForkFailed)) throw error
      if (!this.#over) this.#options.log.warn({ error: error.message }, 'no child forked for a page')
      return undefined
    }
  }

  /** Nobody waits for this one: what fails here, a full disk for example, is met again by whoever needs a child. */
  async #forkAhead(): Promise<PageChild | undefined> {
    try {
      return await this.#fork()
    } catch (error) {
      this.#options.log.warn({ error: messageOf(error) }, 'no child forked ahead of the next page')
      return undefined
    }
  }

  #pageOver(): void {
    this.#pages -= 1
    if (this.#server) this.#restUntilWanted()
  }

  #clear(child: PageChild): void {
    const clearing = this.#cleared(child).finally(() => this.#busy.delete(clearing))
    this.#busy.add(clearing)
  }

  async #cleared(child: PageChild): Promise<void> {
    try {
      await child[Symbol.asyncDispose]()
    } catch (error) {
      this.#options.log.warn({ error: messageOf(error) }, 'a page not cleared away')
    }
  }

  #restUntilWanted(): void {
    clearTimeout(this.#idle)
    if (this.#over || this.#pages > 0) return
    this.#idle = setTimeout(() => void this[Symbol.asyncDispose](), this.#options.idleMs)
    this.#idle.unref()
  }

  async #close(): Promise<void> {
    this.#over = true
    clearTimeout(this.#idle)
    this.#closing.abort(new Error('closed'))
    const spare = await this.#spare
    if (spare) this.#clear(spare)
    await Promise.all(this.#busy)
    const server = await this.#opening
    await server?.[Symbol.asyncDispose]()
  }
}
