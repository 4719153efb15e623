/**
 * Jupyter messages as bytes and back: the multipart form and signature of the messaging protocol, version 5.3.
 * Pure. Frames come from a process that may be hostile: whatever is not exactly as it should be throws.
 */
import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto'

export interface Header {
  readonly msg_id: string
  readonly msg_type: string
  readonly session: string
  readonly username: string
  readonly date: string
  readonly version: string
}

export type Content = Readonly<Record<string, unknown>>

export interface Message {
  readonly header: Header
  /** The id of the request this answers; undefined for what the kernel says by itself. */
  readonly parentId: string | undefined
  readonly metadata: Content
  readonly content: Content
  /** Binary parts that a comm message carries beside its JSON. */
  readonly buffers: readonly Buffer[]
  /** Of the content and the buffers as they came over the wire, for limits: cheaper and more honest than measuring objects. */
  readonly sizeBytes: number
}

const DELIMITER = Buffer.from('<IDS|MSG>')
const VERSION = '5.3'
/** V8 writes JSON recursively: what is nested deeper than a few thousand could be read but never stored again. */
const MAX_DEPTH = 500

/** A new request's header; `sessionId` is the same for all requests of one kernel. */
export function createHeader(type: string, sessionId: string, now = new Date()): Header {
  return {
    msg_id: randomUUID(),
    msg_type: type,
    session: sessionId,
    username: 'fieldbook',
    date: now.toISOString(),
    version: VERSION,
  }
}

/** Frames of a message without parent, in sending order. Buffers are not part of the signature (messaging protocol, "Wire Protocol"). */
export function encode(header: Header, content: Content, key: string, buffers: readonly Buffer[] = []): Buffer[] {
  const parts = [header, {}, {}, content].map((part) => Buffer.from(JSON.stringify(part)))
  return [DELIMITER, Buffer.from(sign(parts, key).toString('hex')), ...parts, ...buffers]
}

/** Throws on a missing delimiter, a bad signature, or parts that are not the objects the protocol names. */
export function decode(frames: readonly Buffer[], key: string): Message {
  const start = frames.findIndex((frame) => frame.equals(DELIMITER))
  if (start < 0) throw new Error('message without delimiter')
  const [signature, header, parent, metadata, content, ...buffers] = frames.slice(start + 1)
  if (!signature || !header || !parent || !metadata || !content) throw new Error('message with missing frames')
  const expected = sign([header, parent, metadata, content], key)
  const given = Buffer.from(signature.toString('latin1'), 'hex')
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new Error('bad signature')
  const parentId = parseObject(parent, 'parent header')['msg_id']
  return {
    header: asHeader(parseObject(header, 'header')),
    parentId: typeof parentId === 'string' ? parentId : undefined,
    metadata: parseObject(metadata, 'metadata'),
    content: parseObject(content, 'content'),
    buffers,
    sizeBytes: buffers.reduce((sum, buffer) => sum + buffer.length, content.length),
  }
}

function sign(parts: readonly Buffer[], key: string): Buffer {
  const hmac = createHmac('sha256', key)
  for (const part of parts) hmac.update(part)
  return hmac.digest()
}

function asHeader(value: Content): Header {
  const text = (name: string): string => {
    const field = value[name]
    if (typeof field !== 'string') throw new Error(`header without ${name}`)
    return field
  }
  return {
    msg_id: text('msg_id'),
    msg_type: text('msg_type'),
    session: text('session'),
    username: text('username'),
    date: text('date'),
    version: text('version'),
  }
}

/** Parses bounded JSON that must be an object. @throws when it is nested too deep, no JSON, or something else */
export function parseObject(bytes: Buffer, what: string): Content {
  if (isDeeperThan(bytes, MAX_DEPTH)) throw new Error(`${what} nested deeper than ${MAX_DEPTH}`)
  const value: unknown = JSON.parse(bytes.toString())
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${what} is not an object`)
  return value as Content // parsed JSON: any object has string keys and unknown values
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN = [0x5b, 0x7b]
const CLOSE = [0x5d, 0x7d]

/** Whether JSON text nests lists and objects deeper than `limit`; looks at bytes only, so that nothing is built first. */
export function isDeeperThan(json: Buffer, limit: number): boolean {
  let depth = 0
  let inText = false
  for (let index = 0; index < json.length; index++) {
    const byte = json[index] ?? 0
    if (inText) {
      if (byte === BACKSLASH) index++
      else if (byte === QUOTE) inText = false
    } else if (byte === QUOTE) inText = true
    else if (byte === OPEN[0] || byte === OPEN[1]) {
      if (++depth > limit) return true
    } else if (byte === CLOSE[0] || byte === CLOSE[1]) depth--
  }
  return false
}
