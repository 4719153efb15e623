/**
 * A conversation with one kernel over ZeroMQ unix sockets: requests as futures, everything else as one stream of messages.
 * Knows the protocol's channels and limits, nothing of notebooks.
 */
import { randomUUID } from 'node:crypto'
import { Dealer, Subscriber } from 'zeromq'
import { type Asked, createRequests } from './requests.ts'
import { type Content, createHeader, decode, encode, type Message } from './wire.ts'

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
}

/** How long the output channel's subscription may take to settle before kernel_info is asked again. */
const JOIN_MS = 50

/** Connects at once; the kernel may bind its sockets later. `prefix` is the path before `-1`, `-2` and `-4`. */
export function openSession(options: {
  readonly prefix: string
  readonly key: string
  readonly limits: SessionLimits
}): Session {
  const { prefix, key, limits } = options
  const { shell, control, output } = connect(prefix, limits)
  const requests = createRequests()
  const sessionId = randomUUID()
  const broken = Promise.withResolvers<never>()
  broken.promise.catch(() => {}) // whoever races it hears of it; nobody has to
  let listener = (_message: Message): void => {}
  let closed = false
  let received = 0

  const fail = (why: string) => {
    if (!closed) broken.reject(new SessionBroken(why))
  }
  for (const socket of [shell, output]) {
    socket.events.on('disconnect', () =>
      fail(`its connection broke, or one message was over ${megabytes(limits.messageBytes)}`),
    )
  }
  const receive = async (socket: Dealer | Subscriber, take: (message: Message) => void) => {
    for await (const frames of socket) {
      received += frames.reduce((sum, frame) => sum + frame.length, 0)
      if (received > limits.totalBytes) return fail(`it sent more than ${megabytes(limits.totalBytes)}`)
      const message = decodeOrDrop(frames, key)
      if (message) take(message)
    }
  }
  const takeOutput = (message: Message) => {
    listener(message)
    requests.takeOutput(message)
  }
  const drained = Promise.all([receive(shell, requests.takeReply), receive(output, takeOutput)]).catch(
    (error: unknown) => fail(String(error)),
  )
  const request: Session['request'] = (type, content) => {
    const header = createHeader(type, sessionId)
    const { replied, done } = requests.add(header.msg_id)
    void shell.send(encode(header, content, key)).catch((error: unknown) => fail(String(error)))
    const orBroken = (answer: Promise<Message>) => {
      const either = Promise.race([answer, broken.promise])
      either.catch(() => {}) // a caller may wait for one of the two only
      return either
    }
    return { id: header.msg_id, replied: orBroken(replied), done: orBroken(done) }
  }
  const command = (type: string, content: Content) => {
    void control.send(encode(createHeader(type, sessionId), content, key)).catch(() => {})
  }
  return {
    request,
    interrupt: () => command('interrupt_request', {}),
    shutdown: () => command('shutdown_request', { restart: false }),
    onOutput: (added) => {
      listener = added
    },
    ready: () => ready(request, requests.forget),
    broken: broken.promise,
    [Symbol.asyncDispose]: async () => {
      closed = true
      requests.close()
      for (const socket of [shell, control, output]) socket.close()
      await drained
    },
  }
}

function connect(prefix: string, limits: SessionLimits) {
  const common = {
    linger: 0,
    // The default of 100 ms is a fifth of a kernel's start.
    reconnectInterval: 2,
    reconnectMaxInterval: 5,
    maxMessageSize: limits.messageBytes,
    // No mark: a burst of prints must not be dropped. Memory is bounded by `totalBytes`.
    receiveHighWaterMark: 0,
  }
  const shell = new Dealer({ ...common, sendHighWaterMark: 0 })
  const control = new Dealer({ ...common, sendHighWaterMark: 0 })
  const output = new Subscriber(common)
  output.subscribe()
  shell.connect(`ipc://${prefix}-1`)
  output.connect(`ipc://${prefix}-2`)
  control.connect(`ipc://${prefix}-4`)
  return { shell, control, output }
}

/**
 * A reply shows that the shell channel works, an idle that the output channel does: a subscription may come too late for
 * the first one, so it is asked until both have come.
 */
async function ready(request: Session['request'], forget: (id: string) => void): Promise<Message> {
  for (;;) {
    const asked = request('kernel_info_request', {})
    await asked.replied
    const answer = await Promise.race([asked.done, elapsed(JOIN_MS)])
    if (answer) return answer
    forget(asked.id)
  }
}

const megabytes = (bytes: number) => `${Math.round(bytes / 1024 ** 2)} MB`

const elapsed = (ms: number) => new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), ms).unref())

/** User code holds the key and can forge what it likes; a forged message may only fail to count. */
function decodeOrDrop(frames: readonly Buffer[], key: string): Message | undefined {
  try {
    return decode(frames, key)
  } catch {
    return undefined
  }
}
