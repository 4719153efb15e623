/**
 * The embedded server for a command beside the service: through its socket while a service owns it, and else started,
 * owned and stopped by the command itself.
 */

import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { type Connection, connectionAt, type EmbeddedOptions, openEmbeddedPostgres } from './embedded.ts'
import { FolderInUse } from './ownership.ts'
import { lookForServer } from './postmaster.ts'
import { waitFor } from './wait.ts'

export interface Reached extends AsyncDisposable {
  readonly connection: Connection
  /** false when a service is at it, which has brought it to its schema. */
  readonly isOurs: boolean
}

/** A service that has just begun to start. */
const READY_MS = 30_000

/** Reaches the server of a data folder. @throws Error when a service owns it and its database does not come up */
export async function reachEmbeddedPostgres(options: EmbeddedOptions): Promise<Reached> {
  try {
    const server = await openEmbeddedPostgres({ ...options, ownerLimitMs: 0 })
    return { connection: server.connection, isOurs: true, [Symbol.asyncDispose]: () => server.stop() }
  } catch (error) {
    if (!(error instanceof FolderInUse)) throw error
  }
  const dataDir = await realpath(options.dataDir)
  const socketDir = await waitFor(
    async () => {
      const server = await lookForServer(join(dataDir, 'postgres'))
      return server.kind === 'running' && server.isReady ? server.socketDir : undefined
    },
    {
      limitMs: READY_MS,
      signal: options.signal,
      late: () => `A Fieldbook is using ${dataDir}, and its database is not up; try again.`,
    },
  )
  return { connection: connectionAt(socketDir), isOurs: false, [Symbol.asyncDispose]: async () => {} }
}
