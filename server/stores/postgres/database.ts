/**
 * The one way to the relational store: a pool, transactions, dedicated sessions and notifications. Functions take the
 * narrow `Queryable` as their first argument, so the same function works inside and outside a transaction.
 */

import pg from 'pg'
import { messageOf, unavailable } from '../../ground/errors.ts'
import { awayAsUnavailable } from './away.ts'
import { despiteContention, isContended } from './contention.ts'
import { type ListenOptions, listenOn } from './listen.ts'
import { createQueryable, prepared, type Queryable } from './queryable.ts'
import { openSession, type Session } from './session.ts'
import { inTransaction, type Transaction, type TransactionOptions } from './transaction.ts'
import { columnTypes } from './values.ts'

export type { Queryable, Session, Transaction }
export { prepared }

export interface Database extends Queryable, AsyncDisposable {
  /** Commits what `work` did if it resolves, nothing otherwise. Inside, use `tx`: the pool would be another session. */
  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>
  /** A session of its own beside the pool, without a time limit: COPY, session locks, long reads. */
  connect(): Promise<Session>
  /** Calls back for every NOTIFY on the channel until disposed; connects again by itself. */
  listen(channel: string, onNotify: (payload: string) => void, options?: ListenOptions): Promise<AsyncDisposable>
  /** Waits for the queries under way, then lets the sessions go. */
  close(): Promise<void>
}

/** A URL (DATABASE_URL), or where the embedded server listens. */
export type DatabaseAddress =
  | { readonly connectionString: string }
  | { readonly connection: { host: string; port?: number; user: string; database: string } }

export interface DatabaseOptions {
  /** Sessions of the pool; listeners and dedicated sessions come on top. */
  readonly poolSize: number
  /** How long one statement of the pool may take; 60 s unless given. */
  readonly statementTimeoutMs?: number
  readonly log?: (event: string, fields: Record<string, unknown>) => void
}

const OLDEST_VERSION = 150_000
const CONNECT_LIMIT_MS = 10_000

/** Opens the pool and checks that the server answers and is version 15 or later. */
export async function openDatabase(address: DatabaseAddress, options: DatabaseOptions): Promise<Database> {
  const log = options.log ?? (() => {})
  const session = sessionConfig(address)
  const pool = new pg.Pool({
    ...session,
    max: options.poolSize,
    idleTimeoutMillis: 30_000,
    statement_timeout: options.statementTimeoutMs ?? 60_000,
  })
  // Without listeners the loss of a session, idle or in use, would end the process; the next query gets a new one.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', ({ message }) => log('database session lost', { error: message })))

  const database = createDatabase(pool, session, log)
  try {
    await checkVersion(database)
  } catch (error) {
    await database.close()
    throw error
  }
  return database
}

function createDatabase(pool: pg.Pool, session: pg.ClientConfig, log: NonNullable<DatabaseOptions['log']>): Database {
  let closing: Promise<void> | undefined
  const close = () => {
    closing ??= pool.end()
    return closing
  }
  return {
    ...createQueryable(async (statement) => {
      const client = await takeClient(pool)
      try {
        return await client.query(statement)
      } catch (error) {
        throw awayAsUnavailable(error)
      } finally {
        client.release()
      }
    }),
    transaction: (work, options) => {
      const once = async () => {
        const client = await takeClient(pool)
        try {
          return await inTransaction(client, work, options)
        } catch (error) {
          if (isContended(error)) log('transaction ended for others', { error: messageOf(error) })
          throw awayAsUnavailable(error)
        }
      }
      return options?.repeatable ? despiteContention(once) : once()
    },
    connect: () => openSession(session),
    listen: (channel, onNotify, options) => listenOn(session, channel, onNotify, { log, ...options }),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function sessionConfig(address: DatabaseAddress): pg.ClientConfig {
  const where =
    'connectionString' in address
      ? { connectionString: address.connectionString }
      : { port: 5432, ssl: false, ...address.connection }
  return {
    ...where,
    types: columnTypes,
    application_name: 'fieldbook',
    connectionTimeoutMillis: CONNECT_LIMIT_MS,
    keepAlive: true, // a listener only reads; without probes it would never notice that the other host is gone
    keepAliveInitialDelayMillis: 10_000,
  }
}

/** Cause: the server is down, or every session of the pool was busy for 10 s. Handled by: the caller tries again later. */
async function takeClient(pool: pg.Pool): Promise<pg.PoolClient> {
  try {
    return await pool.connect()
  } catch (cause) {
    throw unavailable('The database cannot be reached at the moment; try again', cause)
  }
}

async function checkVersion(database: Queryable): Promise<void> {
  const row = await database.one<{ version: number }>(`select current_setting('server_version_num')::int as version`)
  if (row && row.version >= OLDEST_VERSION) return
  throw new Error(
    `Fieldbook needs PostgreSQL 15 or later, and the database is version ${(row?.version ?? 0) / 10_000}.`,
  )
}
