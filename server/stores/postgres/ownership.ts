/**
 * One process at a time owns a data folder: a second one that attached to the same server would stop it under the first
 * when it ends. The lock is a name in the abstract socket space, which the kernel frees with the process, however it
 * dies; a file would outlive a kill -9. (Any local user could take the name first; that denies a start, nothing more.)
 */

import { createHash } from 'node:crypto'
import { connect, createServer, type Server, type Socket } from 'node:net'

export interface Ownership extends AsyncDisposable {
  release(): Promise<void>
}

/** Another process owns the folder. */
export class FolderInUse extends Error {}

/** Waits up to `limitMs` for a former owner that is still closing, then says who it is. */
export async function ownFolder(
  folder: string,
  { limitMs, signal }: { limitMs: number; signal?: AbortSignal | undefined },
): Promise<Ownership> {
  const name = `\0fieldbook-owner-${createHash('sha256').update(folder).digest('hex').slice(0, 32)}`
  const deadline = performance.now() + limitMs
  for (;;) {
    signal?.throwIfAborted()
    const owned = await tryToOwn(name)
    if (owned) return owned
    const holder = await watchHolder(name, Math.max(100, deadline - performance.now()), signal)
    if (performance.now() >= deadline) {
      throw new FolderInUse(
        `Another Fieldbook${holder ? ` (process ${holder})` : ''} is using ${folder}. ` +
          'Stop it first, or give this one another FIELDBOOK_DATA_DIR.',
      )
    }
  }
}

function tryToOwn(name: string): Promise<Ownership | undefined> {
  const waiting = new Set<Socket>()
  const server = createServer((socket) => {
    // Whoever waits learns who holds the lock, and sees the connection end when it is free.
    waiting.add(socket.unref())
    socket.on('error', () => {}).on('close', () => waiting.delete(socket))
    socket.write(String(process.pid))
  })
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    server.listen({ path: name }, () => {
      server.unref()
      const release = () => releaseServer(server, waiting)
      resolve({ release, [Symbol.asyncDispose]: release })
    })
  })
}

function releaseServer(server: Server, waiting: Set<Socket>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    for (const socket of waiting) socket.destroy()
  })
}

/** Resolves with the holder's process number when the holder lets go, or when the time is up. */
function watchHolder(name: string, limitMs: number, signal: AbortSignal | undefined): Promise<string> {
  return new Promise((resolve) => {
    let holder = ''
    const socket = connect({ path: name })
    const timer = setTimeout(() => socket.destroy(), limitMs)
    const stop = () => socket.destroy()
    signal?.addEventListener('abort', stop, { once: true })
    socket.on('data', (chunk) => {
      holder += chunk.toString()
    })
    socket.on('error', () => {}) // refused: it let go between our two looks
    socket.on('close', () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', stop)
      resolve(holder)
    })
  })
}
