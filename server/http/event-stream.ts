/** Server-sent events (HTML standard, 9.2): batches of events as the text of a stream that lives as long as its client. */

import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { finalEventId, type StoredEvent } from '../executions/backlog.ts'
import { isFinal } from '../executions/lifecycle.ts'
import type { Execution } from '../executions/record.ts'
import { AppError, invalid } from '../ground/errors.ts'

/** How soon a client comes back after its connection was cut. */
const RETRY_MS = 1000
/** A client that takes nothing for so long is not there any more; a living one has a sign of life every 15 s. */
const STALLED_MS = 60_000

/** How long a reader is told more without being asked for anew: a stream must not outlast a token or a share by more. */
const GOOD_MS = 1000

/** The event a client has seen last; before the first one it is -1. @throws invalid when it is no number */
export function lastSeen(text: string | string[] | undefined): number {
  if (text === undefined || text === '') return -1
  const id = Number(text)
  if (!Number.isSafeInteger(id) || id < 0) throw invalid('Last-Event-ID must be the id of an event of this stream')
  return id
}

/** Whether nothing can follow. */
export const hasSeenTheEnd = ({ status, attempt }: Pick<Execution, 'status' | 'attempt'>, after: number) =>
  isFinal(status) && after >= finalEventId(attempt)

/**
 * Sends what `follow` gives until it ends, the client is gone, which aborts the signal, or `requireEntered` throws: then
 * whoever reads may do so no more, and is told why when they come back.
 */
export function streamEvents(
  reply: FastifyReply,
  follow: (signal: AbortSignal) => AsyncIterable<readonly StoredEvent[]>,
  requireEntered: () => Promise<void>,
): FastifyReply {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  reply.raw.setTimeout(STALLED_MS, () => reply.raw.destroy())
  reply.headers({
    'content-type': 'text/event-stream; charset=utf-8',
    'x-accel-buffering': 'no', // nginx would hold events back
  })
  // One batch ahead and no more: a slow client is read for as slowly as it takes.
  return reply.send(Readable.from(textOf(follow(gone.signal), requireEntered), { highWaterMark: 1 }))
}

async function* textOf(
  batches: AsyncIterable<readonly StoredEvent[]>,
  requireEntered: () => Promise<void>,
): AsyncGenerator<string, void> {
  yield `retry: ${RETRY_MS}\n\n`
  let goodUntil = performance.now() + GOOD_MS
  for await (const batch of batches) {
    if (performance.now() >= goodUntil) {
      if (!(await isEntered(requireEntered))) return
      goodUntil = performance.now() + GOOD_MS
    }
    yield batch.length === 0 ? ':\n\n' : batch.map(frame).join('')
  }
}

async function isEntered(requireEntered: () => Promise<void>): Promise<boolean> {
  try {
    await requireEntered()
    return true
  } catch (error) {
    if (error instanceof AppError) return false
    throw error
  }
}

/** JSON has no line ends of its own, so one line of data is enough. */
const frame = ({ id, kind, data }: StoredEvent) => `id: ${id}\nevent: ${kind}\ndata: ${data}\n\n`
