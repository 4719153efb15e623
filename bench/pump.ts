/** Sends requests to a service over a fixed number of kept connections, and notes how long each waited. */

import { Agent, request } from 'node:http'

/** Where requests go, and what they are let in with. */
export interface Target {
  readonly url: string
  readonly token?: string | undefined
}

export interface Batch {
  /** `/applications/…/devices/…/state` */
  readonly path: string
  /** Posted; without one the path is asked for. */
  readonly body?: Buffer
  /** How many things it is about; 0 where nothing is counted but requests. */
  readonly states: number
}

export interface Pumped {
  /** From the first request until the last answer. */
  readonly tookMs: number
  readonly states: number
  /** How long each request waited for its answer, least first. */
  readonly waitsMs: readonly number[]
}

/** Every connection takes the next batch as soon as its last one is answered. @throws when one is refused */
export async function pump(target: Target, batches: Iterable<Batch>, connections: number): Promise<Pumped> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const waits: number[] = []
  let states = 0
  const from = performance.now()
  try {
    const left = Iterator.from(batches) // one iterator: whoever is free takes the next
    const sending = async () => {
      for (let next = left.next(); !next.done; next = left.next()) {
        waits.push(await send(target, agent, next.value))
        states += next.value.states
      }
    }
    await Promise.all(Array.from({ length: connections }, sending))
  } finally {
    agent.destroy()
  }
  return {
    tookMs: performance.now() - from,
    states,
    waitsMs: waits.toSorted((a, b) => a - b),
  }
}

/** fetch would open connections as it likes, and took a third of the machine at this rate. */
function send({ url, token }: Target, agent: Agent, { path, body }: Batch): Promise<number> {
  const from = performance.now()
  return new Promise((resolve, reject) => {
    const sending = request(url + path, {
      method: body ? 'POST' : 'GET',
      agent,
      headers: {
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(body ? { 'content-type': 'application/json', 'content-length': body.length } : {}),
      },
    })
    sending.on('error', reject)
    sending.on('response', (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('error', reject)
      response.on('end', () => {
        if (response.statusCode === 200) resolve(performance.now() - from)
        else reject(new Error(`${path} was answered ${response.statusCode}: ${text.slice(0, 500)}`))
      })
    })
    sending.end(body)
  })
}

/** The value below which `share` of sorted numbers lie; 0 for none. */
export const quantile = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
