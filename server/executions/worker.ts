/**
 * A worker: claims executions while it has free slots, holds each by a lease that it renews, hears of cancellations,
 * and gives back what it has not finished when it closes.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { AppError, messageOf } from '../ground/errors.ts'
import { untilBack } from '../stores/postgres/away.ts'
import { dropOvertaken } from './attempts.ts'
import { claimExecution, type Parallel } from './claim.ts'
import { type Held, releaseExecution, renewLeases, takeBack } from './leases.ts'
import { openPresence, type Presence } from './presence.ts'
import { openReaper } from './reaper.ts'
import { type Execution, executionBlobs } from './record.ts'
import { type RunParts, runExecution } from './run.ts'
import { cancellation, GivenUp } from './stop.ts'
import { CANCELING, QUEUED } from './store.ts'

export interface WorkerOptions {
  readonly slots: number
  /** How long a run stays held without a sign of life. */
  readonly leaseMs?: number
  /** Given by whoever needed its folder before there was a worker, and closes it; without it the worker has its own. */
  readonly presence?: Presence
  /** The net below the notifications: how often the queue is looked at anyway. */
  readonly pollMs?: number
  /** How many may run at the same time, whatever number of workers there is. */
  readonly parallel?: Parallel
}

export interface Worker extends AsyncDisposable {
  readonly id: string
  /** Executions running now. */
  readonly running: number
  /** Whether the others know that it lives; without that it claims nothing. */
  readonly isPresent: boolean
  /** Claims nothing any more, and resolves when the runs have ended or the time is up. */
  drain(limitMs: number): Promise<void>
}

interface Run {
  readonly execution: Execution
  readonly stop: AbortController
  readonly ended: Promise<void>
}

const LEASE_MS = 15_000
const POLL_MS = 1000

/**
 * Opens a worker, which works in the folder of its presence; disposing it stops claiming, gives running executions back
 * and waits for them to let go.
 */
export async function openWorker(parts: RunParts, options: WorkerOptions): Promise<Worker> {
  const own = new AsyncDisposableStack()
  const log = (event: string, fields: Record<string, unknown>) => parts.log.warn(fields, event)
  const presence = options.presence ?? own.use(await openPresence(parts.db, { root: parts.workRoot, log }))
  const worker = new SlotWorker({ ...parts, workRoot: presence.folder }, options, presence, own)
  try {
    await worker.open()
    return worker
  } catch (error) {
    await worker[Symbol.asyncDispose]()
    throw error
  }
}

class SlotWorker implements Worker {
  readonly #parts: RunParts
  readonly #slots: number
  readonly #leaseMs: number
  readonly #pollMs: number
  readonly #parallel: Parallel | undefined
  readonly #presence: Presence
  /** The presence, when it is the worker's own: it goes last. */
  readonly #own: AsyncDisposableStack
  readonly #runs = new Map<string, Run>()
  /** What runs that have ended left to clear away. */
  readonly #clearing = new Set<Promise<void>>()
  readonly #listeners = new AsyncDisposableStack()
  #timers: NodeJS.Timeout[] = []
  #draining = false
  #closing = false
  #claiming: Promise<void> | undefined
  #claimAgain = false

  /** Held by this worker in the database and by no run of its own, at the last renewal. */
  #strays: ReadonlySet<string> = new Set()

  constructor(parts: RunParts, options: WorkerOptions, presence: Presence, own: AsyncDisposableStack) {
    this.#presence = presence
    this.#own = own
    this.#parts = parts
    this.#slots = options.slots
    this.#leaseMs = options.leaseMs ?? LEASE_MS
    this.#pollMs = options.pollMs ?? POLL_MS
    this.#parallel = options.parallel
  }

  get id(): string {
    return this.#presence.id
  }

  get running(): number {
    return this.#runs.size
  }

  get isPresent(): boolean {
    return this.#presence.isHeld
  }

  async open(): Promise<void> {
    const { db, log, host } = this.#parts
    // A session that was lost has missed what was told meanwhile, and was mostly lost with the database: the leases may
    // be all but over.
    const back = () => {
      void this.#quietly('lease not renewed', () => this.#renew())
      this.#wake()
    }
    this.#presence.onReturn(back)
    this.#listeners.use(await db.listen(QUEUED, () => this.#wake(), { onReconnect: back }))
    this.#listeners.use(await db.listen(CANCELING, (id) => this.#cancel(id), { onReconnect: back }))
    this.#timers = [
      setInterval(() => this.#wake(), this.#pollMs),
      setInterval(() => this.#quietly('lease not renewed', () => this.#renew()), this.#leaseMs / 3),
    ]
    this.#listeners.use(openReaper({ db, log, host, presence: this.#presence, leaseMs: this.#leaseMs }))
    this.#wake()
  }

  async drain(limitMs: number): Promise<void> {
    this.#draining = true
    await this.#claiming
    const early = new AbortController()
    const late = pause(limitMs, undefined, { signal: early.signal }).catch(() => {})
    await Promise.race([this.#ended(), late])
    early.abort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true
    for (const timer of this.#timers) clearInterval(timer)
    await this.#listeners.disposeAsync()
    await this.#claiming
    for (const { stop } of this.#runs.values()) stop.abort(new GivenUp('the worker is closing'))
    await this.#ended()
    await this.#own.disposeAsync()
  }

  async #ended(): Promise<void> {
    await Promise.all([...this.#runs.values()].map(({ ended }) => ended))
    await Promise.all(this.#clearing)
  }

  get #mayClaim(): boolean {
    return !this.#closing && !this.#draining && this.#presence.isHeld
  }

  /** Claims until the slots are full or nothing waits. One claimer at a time: a burst of wake-ups is one look. */
  #wake(): void {
    this.#claimAgain = true
    this.#claiming ??= this.#quietly('nothing claimed', () => this.#claim()).finally(() => {
      this.#claiming = undefined
      // Woken after the last look and before this line: nobody else would look again.
      if (this.#claimAgain && !this.#closing) this.#wake()
    })
  }

  async #claim(): Promise<void> {
    const { db } = this.#parts
    while (this.#claimAgain) {
      this.#claimAgain = false
      while (this.#mayClaim && this.#runs.size < this.#slots) {
        const execution = await claimExecution(db, this.id, this.#leaseMs, this.#parallel)
        if (!execution) break
        // The worker may have been told to close while the claim was under way.
        if (this.#mayClaim) this.#start(execution)
        else await releaseExecution(db, execution)
      }
    }
  }

  #start(execution: Execution): void {
    const stop = new AbortController()
    const ended = this.#run(execution, stop).finally(() => {
      this.#runs.delete(execution.id)
      if (!this.#closing) this.#wake()
    })
    this.#runs.set(execution.id, { execution, stop, ended })
  }

  async #run(execution: Execution, stop: AbortController): Promise<void> {
    const { db, blobs, log } = this.#parts
    const { id, attempt } = execution
    log.info({ executionId: id, attempt, notebookId: execution.notebookId }, 'execution started')
    try {
      const leavings = new AsyncDisposableStack()
      await runExecution(execution, this.#parts, stop, leavings)
      this.#clear(leavings)
    } catch (error) {
      if (stop.signal.reason instanceof GivenUp) {
        // Back in the queue at once instead of when the lease runs out.
        await releaseExecution(db, execution).catch(() => {})
        await this.#quietly('blobs not dropped', () => dropOvertaken(db, blobs, execution))
        return
      }
      if (error instanceof AppError && error.kind === 'notFound') {
        // Its notebook was deleted, and its row with it; what this attempt kept is nobody's.
        log.info({ executionId: id, attempt }, 'execution deleted while it ran')
        await this.#quietly('blobs not dropped', () => blobs.deleteAll(executionBlobs(id)))
        return
      }
      log.error({ executionId: id, attempt, error: stackOf(error) }, 'execution failed by our fault')
      // The next attempt follows; lost ones are counted, so a fault of ours cannot go on for ever.
      await this.#quietly('failed execution not given back', async () => {
        await untilBack(() => takeBack(db, [execution], messageOf(error)))
      })
    }
  }

  /** Beside the next run: the kernel is gone by then, so it takes no memory, only some milliseconds. */
  #clear(leavings: AsyncDisposableStack): void {
    const clearing = this.#quietly('not cleared away', () => leavings.disposeAsync())
    this.#clearing.add(clearing)
    void clearing.finally(() => this.#clearing.delete(clearing))
  }

  #cancel(id: string): void {
    this.#runs.get(id)?.stop.abort(cancellation())
  }

  async #renew(): Promise<void> {
    // A run that begins while the statement is under way is not judged by its answer.
    const known = [...this.#runs.values()]
    const held = await renewLeases(this.#parts.db, this.id, this.#leaseMs)
    for (const { execution, stop } of known) {
      const mine = held.find((one) => isSame(one, execution))
      if (mine?.status === 'canceling') this.#cancel(execution.id)
      if (!mine) stop.abort(new GivenUp('the execution belongs to another attempt'))
    }
    await this.#takeStraysBack(held)
  }

  /**
   * A claim whose answer was lost with the connection, or a run that ended when the database was away, is held by this
   * worker for ever and run by nobody. What is seen twice is none that was claimed just now.
   */
  async #takeStraysBack(held: readonly Held[]): Promise<void> {
    const strays = held.filter((one) => {
      const run = this.#runs.get(one.id)
      return !run || !isSame(run.execution, one)
    })
    const again = strays.filter((one) => this.#strays.has(keyOf(one)))
    this.#strays = new Set(strays.map(keyOf))
    if (again.length > 0) await takeBack(this.#parts.db, again, 'its worker lost sight of it')
  }

  /** For work that is tried again anyway: a database that is away for a moment must not end the service. */
  async #quietly(event: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!this.#closing) this.#parts.log.warn({ error: messageOf(error) }, event)
    }
  }
}

const isSame = (a: Pick<Held, 'id' | 'attempt'>, b: Pick<Held, 'id' | 'attempt'>) =>
  a.id === b.id && a.attempt === b.attempt

const keyOf = ({ id, attempt }: Held) => `${id}/${attempt}`

const stackOf = (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error))
