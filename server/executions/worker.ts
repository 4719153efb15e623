/**
 * A worker: claims executions while it has free slots, holds each by a lease that it renews, hears of cancellations,
 * and gives back what it has not finished when it closes.
 */

import { AppError, messageOf } from '../ground/errors.ts'
import { newId } from '../ground/ids.ts'
import { removeTree } from '../ground/remove-tree.ts'
import { type Execution, executionBlobs } from './record.ts'
import { type RunParts, runExecution } from './run.ts'
import { cancellation, GivenUp } from './stop.ts'
import { CANCELING, claimExecution, QUEUED, reapExecutions, releaseExecution, renewLease } from './store.ts'

export interface WorkerOptions {
  readonly slots: number
  /** How long a run stays held without a sign of life. */
  readonly leaseMs?: number
  /** The net below the notifications: how often the queue is looked at anyway. */
  readonly pollMs?: number
}

export interface Worker extends AsyncDisposable {
  /** Executions running now. */
  readonly running: number
}

interface Run {
  readonly execution: Execution
  readonly stop: AbortController
  readonly ended: Promise<void>
}

const LEASE_MS = 15_000
const POLL_MS = 1000

/** Opens a worker, which owns its `workRoot`; disposing it stops claiming, gives running executions back and waits for them to let go. */
export async function openWorker(parts: RunParts, options: WorkerOptions): Promise<Worker> {
  const worker = new SlotWorker(parts, options)
  await worker.open()
  return worker
}

class SlotWorker implements Worker {
  readonly #parts: RunParts
  readonly #slots: number
  readonly #leaseMs: number
  readonly #pollMs: number
  readonly #id = newId()
  readonly #runs = new Map<string, Run>()
  readonly #listeners = new AsyncDisposableStack()
  #timers: NodeJS.Timeout[] = []
  #closing = false
  #claiming: Promise<void> | undefined
  #claimAgain = false

  constructor(parts: RunParts, options: WorkerOptions) {
    this.#parts = parts
    this.#slots = options.slots
    this.#leaseMs = options.leaseMs ?? LEASE_MS
    this.#pollMs = options.pollMs ?? POLL_MS
  }

  get running(): number {
    return this.#runs.size
  }

  async open(): Promise<void> {
    const { db } = this.#parts
    this.#listeners.use(await db.listen(QUEUED, () => this.#wake()))
    this.#listeners.use(await db.listen(CANCELING, (id) => this.#cancel(id)))
    this.#timers = [
      setInterval(() => this.#wake(), this.#pollMs),
      setInterval(() => this.#quietly('lease not renewed', () => this.#renew()), this.#leaseMs / 3),
      setInterval(() => this.#quietly('lost runs not looked for', () => this.#reap()), this.#leaseMs / 3),
    ]
    // What a crash left: every attempt gets a folder of its own, so nothing else would ever remove these.
    await removeTree(this.#parts.workRoot)
    await this.#reap()
    this.#wake()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true
    for (const timer of this.#timers) clearInterval(timer)
    await this.#listeners.disposeAsync()
    await this.#claiming
    for (const { stop } of this.#runs.values()) stop.abort(new GivenUp('the worker is closing'))
    await Promise.all([...this.#runs.values()].map(({ ended }) => ended))
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
      while (!this.#closing && this.#runs.size < this.#slots) {
        const execution = await claimExecution(db, this.#id, this.#leaseMs)
        if (!execution) break
        // The worker may have been told to close while the claim was under way.
        if (this.#closing) await releaseExecution(db, execution)
        else this.#start(execution)
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
      await runExecution(execution, this.#parts, stop)
    } catch (error) {
      if (stop.signal.reason instanceof GivenUp) {
        // Back in the queue at once instead of when the lease runs out.
        await releaseExecution(db, execution).catch(() => {})
        return
      }
      if (error instanceof AppError && error.kind === 'notFound') {
        // Its notebook was deleted, and its row with it; what this attempt kept is nobody's.
        log.info({ executionId: id, attempt }, 'execution deleted while it ran')
        await blobs.deleteAll(executionBlobs(id))
        return
      }
      // The lease runs out and the next attempt follows; attempts are counted, so a fault of ours cannot go on for ever.
      log.error({ executionId: id, attempt, error: stackOf(error) }, 'execution failed by our fault')
    }
  }

  #cancel(id: string): void {
    this.#runs.get(id)?.stop.abort(cancellation())
  }

  async #renew(): Promise<void> {
    for (const { execution, stop } of this.#runs.values()) {
      const status = await renewLease(this.#parts.db, execution, this.#leaseMs)
      if (status === 'canceling') this.#cancel(execution.id)
      if (status === undefined) stop.abort(new GivenUp('the execution belongs to another attempt'))
    }
  }

  async #reap(): Promise<void> {
    const ids = await reapExecutions(this.#parts.db)
    if (ids.length > 0) this.#parts.log.warn({ executionIds: ids }, 'executions of a lost worker taken back')
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

const stackOf = (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error))
