/**
 * The DuckDB process: answers statements that its parent sends, each session on a connection of its own. It must never
 * outlive its parent, and knows nothing of what the statements are for.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { messageOf } from '../../ground/errors.ts'
import type { FromChild, Settings, ToChild } from './messages.ts'
import { literal } from './sql.ts'

const say = (message: FromChild) => {
  if (process.connected) process.send?.(message)
}

let instance: Promise<DuckDBInstance> | undefined
/** Sessions that wait for an answer. */
const asked = new Set<number>()
const sessions = new Map<number, Promise<DuckDBConnection>>()

// A query may hold a thread for minutes; an ordinary exit would wait for it.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
// The service stops us; a Ctrl-C on its terminal comes here as well.
process.on('SIGINT', () => {})

// The only sender is the parent, of the same version.
process.on('message', (message: ToChild) => {
  if (message.kind === 'open') instance = open(message.settings)
  else if (message.kind === 'ask') void answer(message)
  else if (message.kind === 'interrupt') void interrupt(message.session)
  else void leave(message.session)
})

async function open(settings: Settings): Promise<DuckDBInstance> {
  const opened = await DuckDBInstance.create(':memory:', {
    memory_limit: `${settings.memoryBytes}B`,
    threads: String(settings.threads),
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
  })
  const connection = await opened.connect()
  // Given with the others above, the bound of this folder is shown and not kept (DuckDB 1.5.6).
  await connection.run(`set global temp_directory = ${literal(settings.temporaryFolder)}`)
  await connection.run(`set global max_temp_directory_size = '${settings.temporaryBytes}B'`)
  // Texts of times and zones must not depend on the machine.
  await connection.run("set global TimeZone = 'UTC'")
  await connection.run('set global lock_configuration = true')
  connection.closeSync()
  say({ kind: 'ready' })
  return opened
}

async function answer({ id, session, sql }: Extract<ToChild, { kind: 'ask' }>): Promise<void> {
  asked.add(session)
  try {
    const reader = await (await connectionOf(session)).runAndReadAll(sql)
    say({ kind: 'answer', id, rows: reader.getRowObjectsJS().map(plain) })
  } catch (error) {
    say({ kind: 'failed', id, message: messageOf(error) })
  } finally {
    asked.delete(session)
  }
}

/** Again and again until the statement has stopped: an interruption that comes before its beginning is forgotten. */
async function interrupt(session: number): Promise<void> {
  while (asked.has(session)) {
    const connection = await sessions.get(session)?.catch(() => undefined)
    connection?.interrupt()
    await pause(20)
  }
}

function connectionOf(session: number): Promise<DuckDBConnection> {
  const found = sessions.get(session)
  if (found) return found
  if (!instance) throw new Error('the database was not opened')
  const connection = instance.then((opened) => opened.connect())
  sessions.set(session, connection)
  return connection
}

async function leave(session: number): Promise<void> {
  const connection = sessions.get(session)
  sessions.delete(session)
  const left = await connection?.catch(() => undefined)
  left?.closeSync()
}

/** Whole numbers of 64 and 128 bits as numbers: ours are times, counts and sequence numbers, far below 2^53. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(plain)
  if (value === null || typeof value !== 'object' || value instanceof Date) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]))
}
