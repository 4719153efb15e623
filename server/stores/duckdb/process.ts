/** One DuckDB process and what it was asked: its start, its answers, its end by our hand or by its own. */

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { AppError } from '../../ground/errors.ts'
import type { FromChild, Settings, ToChild } from './messages.ts'

/** Cause: the process was killed under whoever asked it, maybe for another's sake. Handled by: the caller asks once more. */
export class DuckDbEnded extends AppError {
  constructor(message: string) {
    super('unavailable', message)
  }
}

const PROGRAM = fileURLToPath(new URL('child.ts', import.meta.url))

/** An interrupted query stops between two vectors, in milliseconds; what has not stopped by then never will. */
const INTERRUPT_LIMIT_MS = 3_000

/** Sessions beyond this many would wait for a thread of the process. */
const THREADS_FOR_QUERIES = 8

export interface Child {
  readonly pid: number | undefined
  readonly isOver: boolean
  /** Rows of one statement. Rejects with the signal's reason once it aborts and the statement has stopped. */
  ask(session: number, sql: string, signal: AbortSignal): Promise<unknown[]>
  leave(session: number): void
  /** Kills the process and waits until it is gone. */
  stop(): Promise<void>
}

interface Question {
  readonly resolve: (rows: unknown[]) => void
  readonly reject: (error: Error) => void
}

/** Starts the process; questions may be asked at once. */
export function startChild(settings: Settings, log: (event: string, fields: Record<string, unknown>) => void): Child {
  const child = fork(PROGRAM, {
    serialization: 'advanced',
    // Nothing of our environment: it holds secrets, and DuckDB needs none of it.
    env: { UV_THREADPOOL_SIZE: String(THREADS_FOR_QUERIES), TZ: 'UTC', NODE_NO_WARNINGS: '1' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [],
  })
  const open = new Map<number, Question>()
  let lastId = 0
  let isOver = false
  const over = (cause: string) => {
    if (isOver) return
    isOver = true
    if (open.size > 0) log('DuckDB ended while it was asked', { cause, questions: open.size })
    // Cause: the process was killed, by us or by the system for want of memory. Handled by: the caller tries again.
    for (const { reject } of open.values())
      reject(new DuckDbEnded(`The process that reads telemetry ended (${cause}); try again`))
    open.clear()
  }
  child.on('exit', (code, signal) => over(signal ?? `exit ${code}`))
  child.on('error', ({ message }) => over(message))
  // The only sender is our own program, of the same version.
  child.on('message', (message: FromChild) => {
    if (message.kind === 'ready') return
    const question = open.get(message.id)
    open.delete(message.id)
    if (message.kind === 'answer') question?.resolve(message.rows)
    else question?.reject(new Error(`DuckDB: ${message.message}`))
  })
  // Neither the process nor its channel keeps ours alive; questions do, by whoever waits for them.
  child.unref()
  child.channel?.unref()
  send(child, { kind: 'open', settings: pick(settings) })

  return {
    pid: child.pid,
    get isOver() {
      return isOver
    },
    async ask(session, sql, signal) {
      signal.throwIfAborted()
      if (isOver) throw new DuckDbEnded('The process that reads telemetry ended; try again')
      lastId += 1
      const id = lastId
      const answered = new Promise<unknown[]>((resolve, reject) => open.set(id, { resolve, reject }))
      send(child, { kind: 'ask', id, session, sql })
      const stopWatching = interruptOn(signal, child, session)
      // A pending answer must keep this process alive: the channel alone does not.
      const alive = setInterval(() => {}, 60_000)
      try {
        return await answered
      } catch (error) {
        signal.throwIfAborted()
        throw error
      } finally {
        clearInterval(alive)
        stopWatching()
      }
    },
    leave(session) {
      if (!isOver) send(child, { kind: 'leave', session })
    },
    async stop() {
      if (isOver) return
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}

/** Interrupts the session when the signal aborts, and kills the process when that does not end the statement. */
function interruptOn(signal: AbortSignal, child: ChildProcess, session: number): () => void {
  let timer: NodeJS.Timeout | undefined
  const interrupt = () => {
    send(child, { kind: 'interrupt', session })
    timer = setTimeout(() => child.kill('SIGKILL'), INTERRUPT_LIMIT_MS)
  }
  signal.addEventListener('abort', interrupt, { once: true })
  return () => {
    signal.removeEventListener('abort', interrupt)
    clearTimeout(timer)
  }
}

/** A channel that is just breaking is heard of as the end of the process. */
function send(child: ChildProcess, message: ToChild): void {
  if (child.connected) child.send(message, () => {})
}

const pick = ({ memoryBytes, threads, temporaryFolder, temporaryBytes }: Settings): Settings => ({
  memoryBytes,
  threads,
  temporaryFolder,
  temporaryBytes,
})
