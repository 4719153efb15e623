/** The database of an installation, for the time of one command. */

import type { Config } from '../ground/config.ts'
import { findBwrap } from '../sandbox/find-bwrap.ts'
import { type Database, openDatabase } from '../stores/postgres/database.ts'
import { migrate } from '../stores/postgres/migrate.ts'
import { reachEmbeddedPostgres } from '../stores/postgres/reach.ts'

/** Does something with the database, whether a service runs or not, and lets go of it. */
export async function withDatabase<T>(config: Config, work: (db: Database) => Promise<T>): Promise<T> {
  await using opening = new AsyncDisposableStack()
  if (config.databaseUrl) {
    const db = opening.use(await openDatabase({ connectionString: config.databaseUrl }, { poolSize: 2 }))
    await migrate(db)
    return await work(db)
  }
  const { dataDir, toolsDir } = config
  const reached = opening.use(await reachEmbeddedPostgres({ dataDir, bwrap: await findBwrap(toolsDir) }))
  const db = opening.use(await openDatabase({ connection: reached.connection }, { poolSize: 2 }))
  if (reached.isOurs) await migrate(db)
  return await work(db)
}
