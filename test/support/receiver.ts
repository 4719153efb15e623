/** A receiver of callbacks on loopback: a real HTTP server that keeps what it was sent. */

import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { TestContext } from 'node:test'

export interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Receiver {
  readonly url: string
  /** In the order it came. */
  readonly received: readonly Received[]
  /** The same, each body parsed. */
  readonly told: Record<string, unknown>[]
}

/** Listens on a free port until the test has ended; `answer` is told how many requests there were, this one included. */
export async function startReceiver(
  t: TestContext,
  answer: (response: ServerResponse, count: number) => void = (response) => response.end(),
): Promise<Receiver> {
  const received: Received[] = []
  const told: Record<string, unknown>[] = []
  const server = createServer(async (request, response) => {
    const body = (await request.toArray()).join('')
    received.push({ path: request.url ?? '', headers: request.headers, body })
    told.push(JSON.parse(body))
    answer(response, received.length)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const port = address && typeof address === 'object' ? address.port : 0
  return { url: `http://127.0.0.1:${port}/hook?by=test`, received, told }
}
