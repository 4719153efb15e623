/**
 * A conversation with one kernel: requests as futures, everything else as one stream of messages. Two transports have this
 * shape: ZeroMQ (`zmq-session.ts`) and frames over a unix socket (`framed-session.ts`). Knows nothing of notebooks.
 */

import type { Asked } from './requests.ts'
import type { Content, Message } from './wire.ts'

export interface SessionLimits {
  /** Of one message; a kernel that sends a larger one is cut off. */
  readonly messageBytes: number
  /** Of everything a kernel may send: the net under the output limits, which only bound what is kept. */
  readonly totalBytes: number
}

export const SESSION_LIMITS: SessionLimits = { messageBytes: 100 * 1024 ** 2, totalBytes: 300 * 1024 ** 2 }

export interface Session extends AsyncDisposable {
  /** Sends on the shell channel; `id` is the parent of all outputs it will cause. Rejects once the session is broken. */
  request(type: string, content: Content): { readonly id: string } & Asked
  /** Sends on the shell channel what has no reply: comm messages, whose content may come with binary buffers. */
  send(type: string, content: Content, buffers?: readonly Buffer[]): void
  /** Asks the kernel itself to interrupt the running cell, for when signals can't reach it. */
  interrupt(): void
  /** Asks the kernel to end by itself: open files are written out and `atexit` functions run. */
  shutdown(): void
  /** Gets each message of the output channel in order, also those of requests that are done. */
  onOutput(listener: (message: Message) => void): void
  /** Resolves with `kernel_info_reply` when both channels are known to work. */
  ready(): Promise<Message>
  /** Rejects, never resolves: the kernel sent more than it may, or its connection broke. */
  readonly broken: Promise<never>
}

export class SessionBroken extends Error {
  override readonly name = 'SessionBroken'
  /** Whether the kernel was cut off because it sent more than it may, not because it went away. */
  readonly tooMuch: boolean

  constructor(message: string, tooMuch = false) {
    super(message)
    this.tooMuch = tooMuch
  }
}

/** A size in a sentence. */
export const megabytes = (bytes: number) => `${Math.round(bytes / 1024 ** 2)} MB`

/** Why a session over its limit was broken. */
export const sentTooMuch = ({ totalBytes }: SessionLimits) => `it sent more than ${megabytes(totalBytes)}`
