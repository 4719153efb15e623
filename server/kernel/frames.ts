/**
 * Messages as frames on a stream, for kernels without ZeroMQ: `[u32 LE bytes of JSON][u32 LE bytes of binary][JSON][binary]`.
 * Pure. The other end may be hostile: a frame is refused by its header, before any of it is kept.
 */
import { type Content, type Message, parseObject } from './wire.ts'

const HEADER_BYTES = 8

/** One frame with `value` as its JSON. */
export function encodeFrame(value: Content, buffers: readonly Buffer[] = []): Buffer {
  const json = Buffer.from(JSON.stringify(buffers.length > 0 ? { ...value, b: buffers.map((b) => b.length) } : value))
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt32LE(json.length, 0)
  header.writeUInt32LE(
    buffers.reduce((sum, buffer) => sum + buffer.length, 0),
    4,
  )
  return Buffer.concat([header, json, ...buffers])
}

export interface Frame {
  readonly json: Buffer
  readonly binary: Buffer
}

export class FrameTooLarge extends Error {
  override readonly name = 'FrameTooLarge'
}

/**
 * Cuts a stream into frames. Pieces are collected in a list and joined once for each frame, because joining at every
 * piece costs a large frame its size squared. @throws FrameTooLarge from `take`, as soon as a header announces one
 */
export function createFrameReader(maxBytes: number): { take(piece: Buffer): Frame[] } {
  let pieces: Buffer[] = []
  let held = 0
  let wanted = HEADER_BYTES
  return {
    take: (piece) => {
      pieces.push(piece)
      held += piece.length
      if (held < wanted) return []
      const bytes = pieces.length === 1 ? piece : Buffer.concat(pieces)
      const frames: Frame[] = []
      let at = 0
      for (;;) {
        wanted = HEADER_BYTES
        if (bytes.length - at < wanted) break
        const jsonBytes = bytes.readUInt32LE(at)
        const binaryBytes = bytes.readUInt32LE(at + 4)
        wanted = HEADER_BYTES + jsonBytes + binaryBytes
        if (wanted > maxBytes) throw new FrameTooLarge(`a message of ${wanted} bytes`)
        if (bytes.length - at < wanted) break
        const start = at + HEADER_BYTES
        frames.push({
          json: bytes.subarray(start, start + jsonBytes),
          binary: bytes.subarray(start + jsonBytes, at + wanted),
        })
        at += wanted
      }
      pieces = at === bytes.length ? [] : [bytes.subarray(at)]
      held = bytes.length - at
      return frames
    },
  }
}

/** A frame of a kernel as a message. @throws on anything that is not an object with a type, or nested too deep */
export function messageOf({ json, binary }: Frame): Message {
  const frame = parseObject(json, 'frame')
  const type = frame['t']
  if (typeof type !== 'string') throw new Error('frame without a type')
  const parentId = frame['p']
  const date = frame['d']
  return {
    header: {
      msg_id: '',
      msg_type: type,
      session: '',
      username: '',
      date: typeof date === 'string' ? date : '',
      version: '5.3',
    },
    parentId: typeof parentId === 'string' ? parentId : undefined,
    metadata: objectAt(frame, 'm'),
    content: objectAt(frame, 'c'),
    buffers: splitBinary(binary, frame['b']),
    sizeBytes: json.length + binary.length,
  }
}

function objectAt(frame: Content, name: string): Content {
  const value = frame[name]
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? (value as Content) : {} // parsed JSON: any object has string keys and unknown values
}

/** Lengths that don't fit what is there give as many buffers as do. */
function splitBinary(binary: Buffer, lengths: unknown): Buffer[] {
  if (!Array.isArray(lengths)) return []
  let at = 0
  return lengths.flatMap((length: unknown) => {
    if (typeof length !== 'number' || !Number.isInteger(length) || length < 0 || at + length > binary.length) return []
    at += length
    return [binary.subarray(at - length, at)]
  })
}
