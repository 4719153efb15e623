/**
 * The stores of the service without the service: an embedded database with our schema, one application, and a folder
 * for files. For what would take HTTP hours to fill.
 */

import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Database, openDatabase } from '../server/stores/postgres/database.ts'
import { openEmbeddedPostgres } from '../server/stores/postgres/embedded.ts'
import { migrate } from '../server/stores/postgres/migrate.ts'

const TOOLS = fileURLToPath(new URL('../.fieldbook/tools.json', import.meta.url))
const POOL = 10

export interface Store extends AsyncDisposable {
  readonly db: Database
  readonly applicationId: string
  /** Gone afterwards, with the database. */
  readonly folder: string
  /** The process all others of the database descend from. */
  readonly postgresPid: number
}

/** Opens a store of its own with the settings of the service. */
export async function openStore(): Promise<Store> {
  await using opening = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'fieldbook-store-'))
  opening.defer(() => rm(folder, { recursive: true, force: true }))
  const { bwrap } = JSON.parse(await readFile(TOOLS, 'utf8'))
  const postgres = opening.use(await openEmbeddedPostgres({ dataDir: join(folder, 'data'), bwrap }))
  const db = opening.use(
    // What a bench does takes longer than requests may.
    await openDatabase({ connection: postgres.connection }, { poolSize: POOL, statementTimeoutMs: 0 }),
  )
  await migrate(db)
  const applicationId = await makeApplication(db)
  const owned = opening.move()
  return {
    db,
    applicationId,
    folder,
    get postgresPid() {
      return postgres.pid
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function makeApplication(db: Database): Promise<string> {
  const [user, application] = [newId(), newId()]
  await db.query(`insert into users (id, email, password_hash) values ($1, 'bench@fieldbook.local', '')`, [user])
  await db.query(`insert into applications (id, owner_id, name) values ($1, $2, 'bench')`, [application, user])
  return application
}

/** 24 hexadecimal digits, as every id. */
export const newId = () => randomBytes(12).toString('hex')
