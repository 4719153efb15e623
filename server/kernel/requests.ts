/**
 * The requests a kernel still owes an answer to. One is done when its reply and the kernel's `idle` for it are both here;
 * over ZeroMQ they come on different channels, in either order.
 */
import type { Message } from './wire.ts'

/** A kernel whose forked child holds the output pipe never says idle; after the reply, this much silence stands for it. */
const SILENCE_MS = 4000

export interface Asked {
  /** The reply alone; outputs may still be on their way. */
  readonly replied: Promise<Message>
  /** The reply, after all outputs. */
  readonly done: Promise<Message>
}

export interface Requests {
  add(id: string): Asked
  forget(id: string): void
  takeReply(message: Message): void
  takeOutput(message: Message): void
  /** Rejects what is pending and whatever is added later. */
  fail(error: Error): void
  /** Stops the clocks; what is pending stays so for ever. */
  close(): void
}

interface Pending {
  reply?: Message
  idle: boolean
  silence?: NodeJS.Timeout
  readonly replied: PromiseWithResolvers<Message>
  readonly done: PromiseWithResolvers<Message>
}

/** An empty table; messages without a pending parent are ignored. */
export function createRequests(): Requests {
  const pending = new Map<string, Pending>()
  const parentOf = ({ parentId }: Message) => (parentId === undefined ? undefined : pending.get(parentId))
  let failure: Error | undefined

  const settle = (id: string, request: Pending) => {
    clearTimeout(request.silence)
    if (!request.reply) return
    if (request.idle) {
      pending.delete(id)
      return request.done.resolve(request.reply)
    }
    request.silence = setTimeout(() => {
      request.idle = true
      settle(id, request)
    }, SILENCE_MS)
  }
  const reject = (request: Pending, error: Error) => {
    clearTimeout(request.silence)
    request.replied.reject(error)
    request.done.reject(error)
  }

  return {
    add: (id) => {
      const request: Pending = { idle: false, replied: Promise.withResolvers(), done: Promise.withResolvers() }
      for (const { promise } of [request.replied, request.done]) promise.catch(() => {}) // a caller may want one only
      if (failure) reject(request, failure)
      else pending.set(id, request)
      return { replied: request.replied.promise, done: request.done.promise }
    },
    forget: (id) => {
      clearTimeout(pending.get(id)?.silence)
      pending.delete(id)
    },
    takeReply: (message) => {
      const request = parentOf(message)
      if (!request || request.reply) return
      request.reply = message
      request.replied.resolve(message)
      settle(message.parentId ?? '', request)
    },
    takeOutput: (message) => {
      const request = parentOf(message)
      if (!request) return
      if (message.header.msg_type === 'status' && message.content['execution_state'] === 'idle') request.idle = true
      if (request.reply) settle(message.parentId ?? '', request)
    },
    fail: (error) => {
      failure ??= error
      for (const request of pending.values()) reject(request, failure)
      pending.clear()
    },
    close: () => {
      for (const { silence } of pending.values()) clearTimeout(silence)
      pending.clear()
    },
  }
}
