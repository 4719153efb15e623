/**
 * The warm side of one image: its fork server, proven by a self-test, and a few kernels that wait already forked. When the
 * fork server fails it is started again, with growing pauses; meanwhile there is nothing warm, and kernels start cold.
 */
import { messageOf } from '../ground/errors.ts'
import type { Log } from '../ground/log.ts'
import type { SandboxHost } from '../sandbox/host.ts'
import type { Image } from '../sandbox/image.ts'
import type { SandboxLimits } from '../sandbox/spec.ts'
import { ForkFailed, type ForkServer, openForkServer } from './fork-server.ts'
import { type ForkedKernel, openForkedKernel } from './forked-kernel.ts'
import { openingOrder } from './opening-order.ts'
import { openSeatFolder, type SeatFolder } from './seat.ts'
import type { SessionLimits } from './session.ts'

export interface WarmOptions {
  readonly image: Image
  readonly host: SandboxHost
  /** Below which every kernel has its folder. */
  readonly root: string
  /** What a kernel is forked with when nothing else is asked for. */
  readonly limits: SandboxLimits
  readonly spares: number
  readonly log: Log
  /** Resolves when forked kernels behave as cold ones do here; rejects with the difference, and soon when aborted. */
  readonly prove: (fork: () => Promise<Forked>, signal: AbortSignal) => Promise<void>
}

/** A forked kernel with its folder. */
export interface Forked {
  readonly kernel: ForkedKernel
  readonly folder: SeatFolder
}

export interface WarmState {
  readonly ready: boolean
  /** For people: why there is nothing warm. */
  readonly problem?: string
  readonly spares: number
  /** Of the fork server, and the ipykernel it forks. */
  readonly pid?: number
  readonly ipykernel?: string
}

/** The self-test takes a second; longer than this it is taken for failed. */
const PROOF_MS = 60_000
/** A run with one small input has it by then. */
const REFILL_AFTER_MS = 100
const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 60_000

export class WarmImage implements AsyncDisposable {
  readonly #options: WarmOptions
  readonly #closing = new AbortController()
  #server: ForkServer | undefined
  #problem: string | undefined = 'the fork server is starting'
  #spares: Forked[] = []
  #living: Promise<void>
  #refilling: Promise<void> | undefined

  constructor(options: WarmOptions) {
    this.#options = options
    this.#living = this.#live()
  }

  get state(): WarmState {
    return {
      ready: this.#server !== undefined,
      spares: this.#spares.length,
      ...(this.#problem === undefined ? {} : { problem: this.#problem }),
      ...(this.#server ? { pid: this.#server.pid, ipykernel: this.#server.up.ipykernel } : {}),
    }
  }

  /** Whether kernels can be forked at the moment. */
  get ready(): boolean {
    return this.#server !== undefined
  }

  /** A waiting kernel that such limits can be given to, which is then the caller's; undefined when there is none. */
  takeSpare(limits: SandboxLimits): Forked | undefined {
    const index = this.#spares.findIndex(({ kernel }) => canBeGiven(kernel.limits, limits, this.#options.host))
    const [spare] = index < 0 ? [] : this.#spares.splice(index, 1)
    // A run that has its kernel needs the machine for its inputs; one that found none makes its own, and can't wait.
    if (spare) void elapsedOr(REFILL_AFTER_MS, this.#closing.signal).then(() => this.#refill())
    else this.#refill()
    return spare
  }

  /** Forks one into a folder. @throws ForkFailed */
  async fork(folder: SeatFolder, limits: SandboxLimits, sessionLimits?: SessionLimits): Promise<ForkedKernel> {
    const server = this.#server
    if (!server) throw new ForkFailed(this.#problem ?? 'there is no fork server')
    return this.#forkFrom(server, folder, limits, sessionLimits)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    await this.#living
  }

  /** One fork server after the other, until it is closed. */
  async #live(): Promise<void> {
    const { log } = this.#options
    let pause = FIRST_PAUSE_MS
    while (!this.#closing.signal.aborted) {
      try {
        await using server = await this.#open()
        pause = FIRST_PAUSE_MS
        this.#problem = undefined
        this.#server = server
        log.info({ ipykernel: server.up.ipykernel, preloadMs: server.up.preloadMs }, 'kernels are forked')
        this.#refill()
        const why = await Promise.race([server.ended, aborted(this.#closing.signal)])
        this.#server = undefined
        this.#problem = `the fork server ended: ${why}`
        await this.#dropSpares()
        if (!this.#closing.signal.aborted) log.warn({ why }, 'the fork server ended; kernels start cold')
      } catch (error) {
        if (this.#closing.signal.aborted) return
        this.#problem = messageOf(error)
        log.warn({ problem: this.#problem }, 'kernels can not be forked; they start cold')
      }
      await elapsedOr(pause, this.#closing.signal)
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS)
    }
  }

  async #open(): Promise<ForkServer> {
    const { image, host, root, prove } = this.#options
    await using parts = new AsyncDisposableStack()
    const server = parts.use(await openForkServer(image, openingOrder(image, host, root), root, this.#closing.signal))
    const limit = AbortSignal.timeout(PROOF_MS)
    await prove(async () => this.#forkWithFolder(server), AbortSignal.any([this.#closing.signal, limit]))
    this.#closing.signal.throwIfAborted()
    parts.move()
    return server
  }

  async #forkWithFolder(server: ForkServer): Promise<Forked> {
    const folder = await openSeatFolder(this.#options.root)
    try {
      return { folder, kernel: await this.#forkFrom(server, folder, this.#options.limits) }
    } catch (error) {
      await folder[Symbol.asyncDispose]()
      throw error
    }
  }

  #forkFrom(server: ForkServer, folder: SeatFolder, limits: SandboxLimits, sessionLimits?: SessionLimits) {
    const { host, image } = this.#options
    const session = sessionLimits ? { sessionLimits } : {}
    return openForkedKernel(server, { host, image, id: folder.id, folder: folder.path, limits, ...session })
  }

  /** One at a time, so that a burst of runs does not wait for the spares of later ones. */
  #refill(): void {
    this.#refilling ??= this.#fillUp().finally(() => {
      this.#refilling = undefined
    })
  }

  async #fillUp(): Promise<void> {
    for (;;) {
      const server = this.#server
      if (!server || this.#spares.length >= this.#options.spares) return
      try {
        const spare = await this.#forkWithFolder(server)
        if (this.#server !== server) return await closeForked(spare)
        this.#spares.push(spare)
        // One that dies while it waits is nobody's run.
        void spare.kernel.process.exited.then(() => {
          const index = this.#spares.indexOf(spare)
          if (index < 0) return
          this.#spares.splice(index, 1)
          const { log } = this.#options
          closeForked(spare).catch((error: unknown) =>
            log.warn({ error: messageOf(error) }, 'a spare not cleared away'),
          )
          this.#refill()
        })
      } catch (error) {
        this.#options.log.warn({ error: messageOf(error) }, 'no spare kernel forked')
        return // the next run that is given a kernel tries again
      }
    }
  }

  async #dropSpares(): Promise<void> {
    await this.#refilling
    await Promise.all(this.#spares.splice(0).map(closeForked))
  }
}

/** Ends a forked kernel that has no run, and drops its folder. */
export async function closeForked({ kernel, folder }: Forked): Promise<void> {
  await using closing = new AsyncDisposableStack()
  // In reverse, and each whatever becomes of the others.
  closing.use(folder)
  closing.defer(() => kernel.release())
  closing.use(kernel)
}

/** What a control group holds can be rewritten; resource limits and file systems are as they were made. */
export function canBeGiven(
  forked: SandboxLimits,
  wanted: SandboxLimits,
  { cgroup }: Pick<SandboxHost, 'cgroup'>,
): boolean {
  const rewritten = new Set(cgroup ? ['memoryBytes', 'cores', 'graceMs'] : ['cores', 'graceMs'])
  return Object.entries(wanted).every(
    ([name, value]) => rewritten.has(name) || Object.entries(forked).some(([n, v]) => n === name && v === value),
  )
}

function aborted(signal: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve('closed')
    signal.addEventListener('abort', () => resolve('closed'), { once: true })
  })
}

function elapsedOr(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
