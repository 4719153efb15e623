/** A database whose clock a test sets: PostgreSQL finds `clock_timestamp()` in a schema of the test's own first. */

import type { TestContext } from 'node:test'
import { type Database, openDatabase } from '../../server/stores/postgres/database.ts'
import { openTestDatabase } from './postgres.ts'

export interface ClockedDatabase {
  readonly db: Database
  /** From now on it is this moment, until it is set again. */
  setClock(moment: Date): Promise<void>
}

/** Opens a database of its own whose sessions have this time zone. */
export async function openClockedDatabase(t: TestContext, zone: string): Promise<ClockedDatabase> {
  const { connection, ...own } = await openTestDatabase(t)
  await own.query('create schema clock')
  await own.query('create table clock.now as select now() as at')
  await own.query(
    `create function clock.clock_timestamp() returns timestamptz language sql stable as 'select at from clock.now'`,
  )
  await own.query(`alter database "${connection.database}" set search_path = clock, pg_catalog, public`)
  await own.query(`alter database "${connection.database}" set timezone = '${zone}'`)
  const db = await openDatabase({ connection }, { poolSize: 2 })
  t.after(() => db.close())
  return {
    db,
    setClock: async (moment) => {
      await db.query('update clock.now set at = $1', [moment])
    },
  }
}
