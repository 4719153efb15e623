/**
 * Connections cost memory and a descriptor each, also those that do nothing. There is a bound for all, one for each client
 * address, and clients that do not take their answer are let go: what waits for them is held by this process.
 */

import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { clientOf } from './client-address.ts'

export interface ConnectionLimits {
  readonly all: number
  /** From one address; a proxy that is trusted has no such bound. */
  readonly ofAddress: number
  readonly isTrusted: (address: string) => boolean
}

/**
 * How long a client may take nothing of what waits for it. Progress comes in leaps: the kernel asks for more only when a
 * third of its buffer, which may have 4 MB, is free again. So this is 9 kB/s for the largest buffer, and less for others.
 */
const TAKES_NOTHING_MS = 150_000

/** Holds a server to the limits for as long as it listens. */
export function limitConnections(server: Server, limits: ConnectionLimits, takesNothingMs = TAKES_NOTHING_MS): void {
  server.maxConnections = limits.all
  const open = new Map<Socket, number | undefined>()
  const counts = new Map<string, number>()
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? ''
    const client = clientOf(address)
    const count = (counts.get(client) ?? 0) + 1
    if (count > limits.ofAddress && !limits.isTrusted(address)) {
      socket.destroy()
      return
    }
    counts.set(client, count)
    open.set(socket, undefined)
    socket.once('close', () => {
      open.delete(socket)
      const left = (counts.get(client) ?? 1) - 1
      if (left === 0) counts.delete(client)
      else counts.set(client, left)
    })
  })
  const look = setInterval(() => letIdleReadersGo(open), takesNothingMs).unref()
  server.once('close', () => clearInterval(look))
}

function letIdleReadersGo(open: Map<Socket, number | undefined>): void {
  for (const [socket, before] of open) {
    const now = takenBy(socket)
    open.set(socket, now)
    if (now !== undefined && now === before) socket.destroy()
  }
}

/**
 * How many bytes a client has taken, undefined where nothing waits for it. A stream counts a chunk as written only when
 * all of it is, and an answer can be one chunk; so the handle below it is asked, as Node's own time limit of sockets does.
 */
function takenBy(socket: Socket): number | undefined {
  const handle = Reflect.get(socket, '_handle')
  const waiting = Number(handle?.writeQueueSize ?? 0)
  return waiting > 0 ? Number(handle.bytesWritten) - waiting : undefined
}
