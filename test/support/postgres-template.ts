/** Databases of the shared test server: a template with all migrations applied, and quick copies of it. */

import { createHash, randomBytes } from 'node:crypto'
import { type Database, openDatabase } from '../../server/stores/postgres/database.ts'
import type { Connection } from '../../server/stores/postgres/embedded.ts'
import { migrate, readMigrations } from '../../server/stores/postgres/migrate.ts'

const TEMPLATE_LOCK = 7_210_001

/** Makes a database of its own for one test and returns its name; the first one of a schema migrates the template. */
export async function cloneTemplate(connection: Connection): Promise<string> {
  const migrations = await readMigrations()
  const schema = migrations.map(({ name, hash }) => `${name} ${hash}\n`).join('')
  const template = `template_${createHash('sha256').update(schema).digest('hex').slice(0, 16)}`
  const clone = newName()
  await using admin = await openDatabase({ connection }, { poolSize: 1 })
  await ensureTemplate(admin, connection, template)
  await admin.query(`create database ${clone} template ${template}`)
  return clone
}

/** Makes an empty database and returns its name. */
export async function createEmpty(connection: Connection): Promise<string> {
  const name = newName()
  await using admin = await openDatabase({ connection }, { poolSize: 1 })
  await admin.query(`create database ${name}`)
  return name
}

const newName = () => `test_${randomBytes(8).toString('hex')}`

/** Ends the sessions that are still open, then drops. */
export async function dropDatabase(connection: Connection, name: string): Promise<void> {
  await using admin = await openDatabase({ connection }, { poolSize: 1 })
  await admin.query(`drop database if exists ${name} with (force)`)
}

/** Drops what earlier runs left: kept databases of failed tests, and templates of schemas gone by. */
export async function forgetDatabases(connection: Connection): Promise<void> {
  await using admin = await openDatabase({ connection }, { poolSize: 1 })
  const old = await admin.query<{ name: string }>(
    `select datname as name from pg_database where datname like any (array['test\\_%', 'template\\_%'])`,
  )
  for (const { name } of old) await admin.query(`drop database ${name} with (force)`)
}

/** Built under another name and renamed when whole, so that an interrupted test run leaves no half template. */
async function ensureTemplate(admin: Database, connection: Connection, template: string): Promise<void> {
  await using session = await admin.connect()
  await session.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK])
  const found = await session.one('select 1 from pg_database where datname = $1', [template])
  if (found) return
  const unfinished = `${template}_unfinished`
  await session.query(`drop database if exists ${unfinished} with (force)`)
  await session.query(`create database ${unfinished}`)
  await migrateDatabase({ ...connection, database: unfinished })
  await session.query(`alter database ${unfinished} rename to ${template}`)
}

async function migrateDatabase(connection: Connection): Promise<void> {
  await using db = await openDatabase({ connection }, { poolSize: 1 })
  await migrate(db)
}
