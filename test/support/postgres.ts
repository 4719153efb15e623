/**
 * A database for a test: its own, with the newest schema, on a server that starts with the first test that asks and ends
 * by itself soon after the last one (see postgres-keeper.ts). Nothing has to be installed or running.
 */

import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, stat } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type Database, openDatabase } from '../../server/stores/postgres/database.ts'
import type { Connection } from '../../server/stores/postgres/embedded.ts'
import { cloneTemplate, createEmpty, dropDatabase } from './postgres-template.ts'

export interface TestDatabase extends Database {
  /** For a test that opens further pools, or hands the address to another process. */
  readonly connection: Connection
}

export interface TestDatabaseOptions {
  readonly poolSize?: number
}

/** A first start with initdb on a busy machine; later ones take a tenth of a second. */
const SERVER_LIMIT_MS = 120_000

/** Opens a database for this test; it is dropped when the test has passed, and kept and named when it failed. */
export async function openTestDatabase(t: TestContext, options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const server = await sharedServer()
  return openOwn(t, server, await cloneTemplate(server), options)
}

/** The same without any migration. */
export async function openEmptyDatabase(t: TestContext, options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const server = await sharedServer()
  return openOwn(t, server, await createEmpty(server), options)
}

async function openOwn(t: TestContext, server: Connection, name: string, options: TestDatabaseOptions) {
  const connection = { ...server, database: name }
  const database = await openDatabase({ connection }, { poolSize: options.poolSize ?? 4 })
  t.after(async () => {
    await database.close()
    // `passed` is not in the types of Node 24.19.
    if ('passed' in t && t.passed) await dropDatabase(server, name)
    else t.diagnostic(`kept until the test server starts anew: database ${name} on ${server.host}`)
  })
  return { ...database, connection }
}

let shared: Promise<Connection> | undefined

/** The address of the server all test files share; held until this process ends. */
export function sharedServer(): Promise<Connection> {
  shared ??= reachServer()
  return shared
}

async function reachServer(): Promise<Connection> {
  const checkout = createHash('sha256')
    .update(import.meta.dirname)
    .digest('hex')
    .slice(0, 12)
  const name = `fieldbook-test-${checkout}-${process.getuid?.()}`
  const dataDir = join(tmpdir(), name)
  await ownFolderOrRefuse(dataDir)
  const deadline = performance.now() + SERVER_LIMIT_MS
  while (performance.now() < deadline) {
    const answer = await askKeeper(name)
    if (answer?.connection) return answer.connection
    if (answer?.error) throw new Error(`The test database server does not start: ${answer.error}`)
    startKeeper(dataDir, name)
    await pause(100)
  }
  throw new Error(
    `The test database server was not up after ${SERVER_LIMIT_MS / 1000} s; look at ${dataDir}/postgres.log.`,
  )
}

/** A folder of that name in a place where everybody may write could be somebody else's. */
async function ownFolderOrRefuse(dataDir: string): Promise<void> {
  await mkdir(dataDir, { recursive: true })
  const { uid } = await stat(dataDir)
  if (uid !== process.getuid?.()) throw new Error(`${dataDir} belongs to user ${uid}; remove it.`)
}

interface Answer {
  readonly connection?: Connection
  readonly error?: string
}

/** What the keeper says, or undefined when there is none or it is just ending. The connection stays open: it is our claim. */
function askKeeper(name: string): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    let said = ''
    const socket = connect({ path: `\0${name}` })
    socket.on('data', (chunk) => {
      said += chunk.toString()
      if (!said.endsWith('\n')) return
      socket.unref() // the claim must not keep the tests alive
      resolve(JSON.parse(said))
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(undefined))
  })
}

/** Detached, and without our output: the test runner waits for whoever holds that. A keeper too many ends at once. */
function startKeeper(dataDir: string, name: string): void {
  const keeper = join(import.meta.dirname, 'postgres-keeper.ts')
  spawn(process.execPath, [keeper, dataDir, name], { detached: true, stdio: 'ignore' }).unref()
}
