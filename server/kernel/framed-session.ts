/**
 * A session over one unix socket without ZeroMQ, for the forked Python kernel: one ordered stream each way, so that a reply
 * never overtakes the outputs before it. A socket that is not read makes the kernel wait: nothing is queued without bound.
 */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { createFrameReader, encodeFrame, FrameTooLarge, messageOf } from './frames.ts'
import { createRequests } from './requests.ts'
import { megabytes, type Session, SessionBroken, type SessionLimits, sentTooMuch } from './session.ts'
import type { Content, Message } from './wire.ts'

/** Takes over a connected socket; `info` is what the kernel said when it was ready. */
export function openFramedSession(options: {
  readonly socket: Socket
  readonly info: Message
  readonly limits: SessionLimits
}): Session {
  const { socket, info, limits } = options
  const requests = createRequests()
  const reader = createFrameReader(limits.messageBytes)
  const broken = Promise.withResolvers<never>()
  broken.promise.catch(() => {}) // whoever races it hears of it; nobody has to
  let listener = (_message: Message): void => {}
  let closed = false
  let received = 0

  const fail = (why: string, tooMuch = false) => {
    if (closed) return
    closed = true
    const error = new SessionBroken(why, tooMuch)
    broken.reject(error)
    requests.fail(error)
    socket.destroy()
  }
  const takeMessage = (message: Message) => {
    // Replies are told by their name, as the protocol names them; user code can forge either kind, for its own run only.
    if (message.header.msg_type.endsWith('_reply')) return requests.takeReply(message)
    listener(message)
    requests.takeOutput(message)
  }
  socket.on('data', (piece: Buffer) => {
    received += piece.length
    if (received > limits.totalBytes) return fail(sentTooMuch(limits), true)
    try {
      for (const frame of reader.take(piece)) {
        const message = orDropped(() => messageOf(frame))
        if (message) takeMessage(message)
      }
    } catch (error) {
      // What whoever listens can't make sense of ends this run; thrown on, it would end the service.
      if (!(error instanceof FrameTooLarge)) return fail('it sent a message that can not be read')
      fail(`${error.message}, more than ${megabytes(limits.messageBytes)}`, true)
    }
  })
  socket.on('error', () => {}) // `close` follows
  socket.on('close', () => fail('its connection broke'))
  socket.resume() // it may have been paused until somebody listened
  const write = (frame: Content, buffers?: readonly Buffer[]) => {
    if (!socket.destroyed) socket.write(encodeFrame(frame, buffers))
  }
  return {
    request: (type, content) => {
      const id = randomUUID()
      const asked = requests.add(id)
      write({ t: type, i: id, c: content })
      return { id, ...asked }
    },
    send: (type, content, buffers) => write({ t: type, i: randomUUID(), c: content }, buffers),
    // Nothing listens while a cell runs; the sandbox's owner interrupts by a signal.
    interrupt: () => {},
    shutdown: () => write({ t: 'shutdown_request', i: randomUUID(), c: { restart: false } }),
    onOutput: (added) => {
      listener = added
    },
    ready: () => Promise.resolve(info),
    broken: broken.promise,
    [Symbol.asyncDispose]: async () => {
      closed = true
      requests.close()
      if (socket.closed) return
      socket.destroy()
      await once(socket, 'close')
    },
  }
}

/** User code can reach the socket and write what it likes; a forged message may only fail to count. */
function orDropped(parse: () => Message): Message | undefined {
  try {
    return parse()
  } catch {
    return undefined
  }
}
