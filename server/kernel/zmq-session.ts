/** A session over ZeroMQ unix sockets, for any kernel that speaks the Jupyter messaging protocol (version 5). */
import { randomUUID } from 'node:crypto'
import { Dealer, Subscriber } from 'zeromq'
import { createRequests } from './requests.ts'
import { megabytes, type Session, SessionBroken, type SessionLimits, sentTooMuch } from './session.ts'
import { type Content, createHeader, decode, encode, type Message } from './wire.ts'

/** How long the output channel's subscription may take to settle before kernel_info is asked again. */
const JOIN_MS = 50

/** Connects at once; the kernel may bind its sockets later. `prefix` is the path before `-1`, `-2` and `-4`. */
export function openZmqSession(options: {
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

  const fail = (why: string, tooMuch = false) => {
    if (closed) return
    const error = new SessionBroken(why, tooMuch)
    broken.reject(error)
    requests.fail(error)
    // What comes on would pile up unread.
    if (tooMuch) for (const socket of [shell, output]) socket.close()
  }
  for (const socket of [shell, output]) {
    socket.events.on('disconnect', () =>
      fail(`its connection broke, or one message was over ${megabytes(limits.messageBytes)}`),
    )
  }
  const receive = async (socket: Dealer | Subscriber, take: (message: Message) => void) => {
    for await (const frames of socket) {
      received += frames.reduce((sum, frame) => sum + frame.length, 0)
      if (received > limits.totalBytes) return fail(sentTooMuch(limits), true)
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
    return { id: header.msg_id, replied, done }
  }
  const command = (type: string, content: Content) => {
    void control.send(encode(createHeader(type, sessionId), content, key)).catch(() => {})
  }
  return {
    request,
    send: (type, content, buffers = []) => {
      void shell.send(encode(createHeader(type, sessionId), content, key, buffers)).catch(() => {})
    },
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

const elapsed = (ms: number) => new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), ms).unref())

/** User code holds the key and can forge what it likes; a forged message may only fail to count. */
function decodeOrDrop(frames: readonly Buffer[], key: string): Message | undefined {
  try {
    return decode(frames, key)
  } catch {
    return undefined
  }
}
