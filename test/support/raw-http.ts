/** Requests written byte by byte, for what no client would send. */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface RawAnswer {
  readonly status: number
  readonly headers: Record<string, string>
  readonly body: string
}

export function connectTo(url: string): Socket {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  // What is cut off may say so while something is written to it.
  socket.on('error', () => {})
  return socket
}

/** Everything the other side says until it closes; the last thing this side says is `text`. */
export async function sayTo(url: string, text: string): Promise<RawAnswer> {
  const socket = connectTo(url)
  socket.write(text, 'latin1')
  return readAll(socket)
}

/** What comes until the connection is closed, as one answer. */
export async function readAll(socket: Socket): Promise<RawAnswer> {
  let said = ''
  socket.setEncoding('utf8').on('data', (chunk) => (said += chunk))
  await once(socket, 'close')
  const [head = '', ...rest] = said.split('\r\n\r\n')
  const [line = '', ...fields] = head.split('\r\n')
  const headers = Object.fromEntries(
    fields.map((field) => [field.split(': ')[0]?.toLowerCase() ?? '', field.split(': ').slice(1).join(': ')]),
  )
  return { status: Number(line.split(' ')[1]), headers, body: rest.join('\r\n\r\n') }
}
