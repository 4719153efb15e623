/** A name server of a test, on UDP as RFC 1035 has it: each name has a list of answers, given one after the other, the last one for ever. */

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv4 } from 'node:net'

const TYPE_A = 1
const CLASS_IN = 1
const HEADER_BYTES = 12

export interface NameServer extends AsyncDisposable {
  readonly port: number
  /** The names whose IPv4 addresses were asked for, in order. */
  readonly asked: readonly string[]
}

/** Listens on a port of loopback; 0 takes a free one. Names that are not in the zone do not exist. */
export async function openNameServer(zone: Record<string, string[][]>, port = 0): Promise<NameServer> {
  const left = new Map(Object.entries(zone).map(([name, answers]) => [name, [...answers]]))
  const asked: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (query, { port: from, address }) => {
    const { name, end } = readName(query)
    const answers = left.get(name)
    const isForA = query.readUInt16BE(end) === TYPE_A
    if (isForA) asked.push(name)
    const next = isForA ? (answers && answers.length > 1 ? answers.shift() : answers?.[0]) : []
    socket.send(answerTo(query.subarray(0, end + 4), next ?? [], answers !== undefined), from, address)
  })
  socket.bind(port, '127.0.0.1')
  await once(socket, 'listening')
  return {
    port: socket.address().port,
    asked,
    [Symbol.asyncDispose]: async () => {
      socket.close()
      await once(socket, 'close')
    },
  }
}

function readName(query: Buffer): { name: string; end: number } {
  const labels: string[] = []
  let at = HEADER_BYTES
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), end: at + 1 }
}

/** The question repeated, and an address in each record, none of which may be kept (TTL 0). */
function answerTo(question: Buffer, addresses: readonly string[], isKnown: boolean): Buffer {
  const head = Buffer.from(question)
  head.writeUInt16BE(isKnown ? 0x8180 : 0x8183, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(addresses.length, 6)
  head.writeUInt32BE(0, 8)
  const records = addresses.filter(isIPv4).map((address) => {
    const record = Buffer.alloc(16)
    record.writeUInt16BE(0xc000 + HEADER_BYTES, 0) // the name of the question
    record.writeUInt16BE(TYPE_A, 2)
    record.writeUInt16BE(CLASS_IN, 4)
    record.writeUInt16BE(4, 10)
    for (const [index, part] of address.split('.').entries()) record[12 + index] = Number(part)
    return record
  })
  return Buffer.concat([head, ...records])
}
