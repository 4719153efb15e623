/**
 * Brings a database to the newest schema: numbered .sql files, forward only, each in a transaction of its own. A file
 * that has been applied never changes again; its hash is kept to notice when it did.
 */

import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../../ground/errors.ts'
import type { Database } from './database.ts'
import type { Queryable } from './queryable.ts'

export interface Migration {
  readonly number: number
  /** The file's name, `0001-applications.sql`. */
  readonly name: string
  readonly hash: string
  readonly sql: string
}

const OURS = join(import.meta.dirname, 'migrations')

/** Any constant of our own: two services that start together apply the files one after the other. */
const ADVISORY_LOCK = 3_405_691_582
/** PostgreSQL, appendix A: a lock was not had within lock_timeout. */
const LOCK_NOT_AVAILABLE = '55P03'

/** A migration over a large history takes minutes, and whoever starts beside it waits for it. */
const WAIT_MS = 600_000
/** For the table of a migration itself: something else is at work on it that should not be. */
const TABLE_WAIT_MS = 60_000

/**
 * Applies what is missing, in order, and returns the names of the files it applied. @throws Error when another process is
 * at it for longer than `waitMs`, or the schema is not one that these files lead on from
 */
export async function migrate(
  db: Pick<Database, 'connect'>,
  folder: string = OURS,
  waitMs = WAIT_MS,
): Promise<string[]> {
  const migrations = await readMigrations(folder)
  await using session = await db.connect()
  await takeTurn(session, waitMs)
  await session.query(`set lock_timeout = ${TABLE_WAIT_MS}`)
  await session.query(
    `create table if not exists migrations (
       number integer primary key, name text not null, hash text not null, applied_at timestamptz not null default now())`,
  )
  const applied = await session.query<Applied>('select number, name, hash from migrations order by number')
  const missing = compareWithApplied(migrations, applied)
  for (const migration of missing) await applyMigration(session, migration)
  return missing.map(({ name }) => name)
}

/** One process at a time; the turn ends with the session. */
async function takeTurn(session: Queryable, waitMs: number): Promise<void> {
  try {
    await session.query(`set lock_timeout = ${waitMs}`)
    await session.query('select pg_advisory_lock($1)', [ADVISORY_LOCK])
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === LOCK_NOT_AVAILABLE)) throw cause
    throw new Error(
      `Another process has been migrating the database for more than ${waitMs / 1000} seconds. Start again when it is done.`,
      { cause },
    )
  }
}

/** The files of a folder in order; anything else that ends in .sql, and a number used twice, is an error. */
export async function readMigrations(folder: string = OURS): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql'))
  const migrations = await Promise.all(names.map((name) => readMigration(folder, name)))
  migrations.sort((a, b) => a.number - b.number)
  for (const [index, { number, name }] of migrations.entries()) {
    const next = migrations[index + 1]
    if (next?.number === number) throw new Error(`The migrations ${name} and ${next.name} have the same number.`)
  }
  return migrations
}

async function readMigration(folder: string, name: string): Promise<Migration> {
  const number = /^(\d+)[-_].+\.sql$/.exec(name)?.[1]
  if (number === undefined) throw new Error(`The migration ${name} must be named like 0001-what-it-does.sql.`)
  const sql = await readFile(join(folder, name), 'utf8')
  return { number: Number(number), name, sql, hash: createHash('sha256').update(sql).digest('hex') }
}

type Applied = Pick<Migration, 'number' | 'name' | 'hash'>

/** The migrations still to apply; throws when the past, as the database remembers it, is not the one in the files. */
function compareWithApplied(migrations: readonly Migration[], applied: readonly Applied[]): Migration[] {
  for (const past of applied) {
    const file = migrations.find(({ number }) => number === past.number)
    if (!file)
      throw new Error(
        `The database has migration ${past.name}, which this version does not know; use a newer Fieldbook.`,
      )
    if (file.hash !== past.hash) {
      throw new Error(
        `The migration ${file.name} has changed since it was applied as ${past.name}. Restore it; a change is a new file.`,
      )
    }
  }
  const newest = applied.at(-1)?.number ?? -1
  const missing = migrations.filter(({ number }) => !applied.some((past) => past.number === number))
  const late = missing.find(({ number }) => number < newest)
  if (late)
    throw new Error(
      `The migration ${late.name} comes before number ${newest}, which is already applied; give it a higher number.`,
    )
  return missing
}

async function applyMigration(session: Queryable, { number, name, hash, sql }: Migration): Promise<void> {
  try {
    await session.query('begin')
    await session.query(sql)
    await session.query('insert into migrations (number, name, hash) values ($1, $2, $3)', [number, name, hash])
    await session.query('commit')
  } catch (cause) {
    await session.query('rollback')
    throw new Error(`The migration ${name} failed and was rolled back: ${messageOf(cause)}`, { cause })
  }
}
