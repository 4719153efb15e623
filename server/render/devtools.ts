/**
 * The DevTools protocol of a browser over two pipes: JSON messages, each ended by a zero byte. An answer belongs to the
 * request with its id; everything else is an event. What the browser says is not trusted: its pages are other people's.
 */
import type { Readable, Writable } from 'node:stream'

export type Values = Readonly<Record<string, unknown>>

export interface DevtoolsEvent {
  readonly method: string
  readonly params: Values
  /** Of the page it is about; the browser itself has none. */
  readonly session: string | undefined
}

export interface Devtools {
  /** Resolves with the result. @throws when the browser refuses, or ends before it has answered */
  send(method: string, params?: Values, session?: string): Promise<Values>
  /** Calls the listener with every event from now on; what is returned stops that. */
  listen(listener: (event: DevtoolsEvent) => void): () => void
  /** Resolves with the next event of a session by that name. @throws when the browser ends before */
  next(method: string, session: string): Promise<Values>
  /** A page begins: as much may be heard as one page may cause. A browser that says more is cut off. */
  begin(): void
  /** Resolves when the browser has closed its end, or was cut off; nothing is answered after that. */
  readonly closed: Promise<void>
}

interface Asked extends Waiting {
  readonly asked: string
}

interface Waiting {
  readonly resolve: (values: Values) => void
  readonly reject: (error: Error) => void
}

/** A printed page comes in parts of 1 MiB, 1.4 MB as base64; what is longer than this answers nothing that is asked here. */
const LONGEST_MESSAGE = 4 * 1024 ** 2
/** Of everything that is heard of one page but its printed parts: a page that asks for a thousand pictures causes 1 MB. */
const MOST_HEARD = 32 * 1024 ** 2
/** Of what the browser says about an error, which people may read. */
const LONGEST_ERROR = 2000
/** Whose answers are bounded by whoever asks. */
const PARTS = 'IO.read'

/** Speaks over the pipes of a started browser, which stay the caller's to close. */
export function openDevtools({ send, receive }: { send: Writable; receive: Readable }): Devtools {
  const waiting = new Map<number, Asked>()
  const listeners = new Set<(event: DevtoolsEvent) => void>()
  const nexts = new Set<Waiting>()
  let lastId = 0
  let heard = 0
  let isOpen = true

  const hear = (bytes: Buffer) => {
    if (!isOpen) return
    const message = parse(bytes.toString())
    const asked = typeof message?.['id'] === 'number' ? waiting.get(message['id']) : undefined
    if (asked?.asked !== PARTS) heard += bytes.length
    if (heard > MOST_HEARD) return void receive.destroy()
    if (!message) return
    const { id, method, sessionId } = message
    if (typeof id === 'number') {
      waiting.delete(id)
      if (message['error'] === undefined) asked?.resolve(asValues(message['result']))
      else asked?.reject(new Error(String(asValues(message['error'])['message']).slice(0, LONGEST_ERROR)))
    } else if (typeof method === 'string') {
      const session = typeof sessionId === 'string' ? sessionId : undefined
      for (const listener of listeners) listener({ method, params: asValues(message['params']), session })
    }
  }
  const closed = new Promise<void>((resolve) => {
    const close = () => {
      isOpen = false
      for (const { reject } of [...waiting.values(), ...nexts]) reject(ended())
      waiting.clear()
      nexts.clear()
      resolve()
    }
    receive.once('close', close).once('end', close).once('error', close)
    send.once('error', close)
  })
  splitMessages(receive, hear)

  const listen: Devtools['listen'] = (listener) => {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }
  return {
    closed,
    listen,
    begin: () => {
      heard = 0
    },
    send: (method, params = {}, session) =>
      new Promise((resolve, reject) => {
        if (!isOpen) return reject(ended())
        const id = ++lastId
        waiting.set(id, { asked: method, resolve, reject })
        send.write(`${JSON.stringify({ id, method, params, ...(session ? { sessionId: session } : {}) })}\0`)
      }),
    next: (method, session) =>
      new Promise((resolve, reject) => {
        if (!isOpen) return reject(ended())
        const one = { resolve, reject }
        nexts.add(one)
        const stop = listen((event) => {
          if (event.method !== method || event.session !== session) return
          stop()
          nexts.delete(one)
          resolve(event.params)
        })
      }),
  }
}

const ended = () => new Error('the browser has ended')

function splitMessages(receive: Readable, hear: (bytes: Buffer) => void): void {
  let parts: Buffer[] = []
  let length = 0
  receive.on('data', (chunk: Buffer) => {
    let from = 0
    for (let end = chunk.indexOf(0); end >= 0; end = chunk.indexOf(0, from)) {
      if (receive.destroyed) return
      if (length + end - from > LONGEST_MESSAGE) return void receive.destroy()
      parts.push(chunk.subarray(from, end))
      hear(Buffer.concat(parts))
      parts = []
      length = 0
      from = end + 1
    }
    parts.push(chunk.subarray(from))
    length += chunk.length - from
    if (length > LONGEST_MESSAGE) receive.destroy()
  })
}

function parse(text: string): Values | undefined {
  try {
    return asValues(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** Anything that is no object has no values. */
export function asValues(value: unknown): Values {
  return typeof value === 'object' && value !== null ? (value as Values) : {} // parsed JSON: string keys, unknown values
}
