/** What Node finds wrong with a connection before there is a request: answered in the shape of the API, and then closed. */

import type { Socket } from 'node:net'
import { MAX_HEAD_BYTES } from './head-limits.ts'
import type { Headers } from './security-headers.ts'

interface Fault {
  readonly status: string
  readonly message: string
}

const FAULTS: Record<string, Fault> = {
  HPE_HEADER_OVERFLOW: {
    status: '431 Request Header Fields Too Large',
    message: `The URL and the headers may have at most ${MAX_HEAD_BYTES} bytes together`,
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: '413 Payload Too Large', message: 'The extensions of a chunk are too long' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: '408 Request Timeout', message: 'The request did not arrive in time' },
}

const NOT_HTTP: Fault = { status: '400 Bad Request', message: 'The request is not valid HTTP' }

/** Gives what answers such a fault. */
export const answerClientErrors = (headers: Headers) => (error: Error & { code?: string }, socket: Socket) => {
  if (socket.writable && error.code !== 'ECONNRESET' && !isAnswering(socket)) {
    const { status, message } = FAULTS[error.code ?? ''] ?? NOT_HTTP
    const body = JSON.stringify({ type: 'Validation', message })
    const fields = Object.entries({
      ...headers,
      'content-type': 'application/json; charset=utf-8',
      'content-length': String(Buffer.byteLength(body)),
      connection: 'close',
    })
    const head = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')
    socket.end(`HTTP/1.1 ${status}\r\n${head}\r\n${body}`)
    // A client that goes on sending must not keep what it was told is over.
    socket.destroySoon()
    return
  }
  socket.destroy()
}

/** Whether an answer is on its way already, which ours would be taken for a part of. Node itself asks the same. */
const isAnswering = (socket: Socket) => Boolean(Reflect.get(socket, '_httpMessage')?._headerSent)
