/**
 * The PostgreSQL server that comes with Fieldbook: made on first use, started, found again after a crash of ours,
 * started again after a crash of its own, and stopped with us. Reached only through a unix socket.
 */

import { mkdir, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../../ground/errors.ts'
import { serverAccount } from './account.ts'
import { findBinaries } from './binaries.ts'
import { ensureCluster, SUPERUSER } from './cluster.ts'
import { ownFolder } from './ownership.ts'
import { isServer, lookForServer } from './postmaster.ts'
import { type ServerPlan, startServer, stopServer, waitUntilReadyOrGone } from './server.ts'
import { connectClient } from './session.ts'
import { openSocketFolder } from './socket.ts'
import { superviseServer } from './supervise.ts'
import { waitFor } from './wait.ts'

export interface EmbeddedOptions {
  /** The cluster is `postgres` in this folder and the server's log `postgres.log`. Made when missing. */
  readonly dataDir: string
  /** bubblewrap, only needed as root when the server's account cannot enter the folders on the way. */
  readonly bwrap?: string | undefined
  /** Added to ours: { max_connections: '200' }. */
  readonly settings?: Readonly<Record<string, string>>
  /** How long to wait for a former owner of the data folder that is still closing; 10 s unless given. */
  readonly ownerLimitMs?: number
  readonly log?: (event: string, fields: Record<string, unknown>) => void
  /** Gives up the start; a server that is already up is stopped by stop() alone. */
  readonly signal?: AbortSignal
}

export interface Connection {
  /** The folder of the unix socket, which pg takes as a host. */
  readonly host: string
  readonly port: number
  readonly user: string
  readonly database: string
}

export interface EmbeddedPostgres extends AsyncDisposable {
  readonly connection: Connection
  /** found: it ran already, its owner having died; recovered: it had not been stopped properly, and came up again. */
  readonly startedBy: 'us' | 'found' | 'recovered'
  /** Another one after the server died and was started again. */
  readonly pid: number
  /** Stops the server and lets go of the data folder; the second call waits for the first. */
  stop(): Promise<void>
}

const DATABASE = 'fieldbook'
const DYING_LIMIT_MS = 2_000

/** Opens the server of a data folder, of which this process is then the only owner until stop(). */
export async function openEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const { signal, log = () => {} } = options
  const startedAt = performance.now()
  await mkdir(options.dataDir, { recursive: true })
  const dataDir = await realpath(options.dataDir)

  await using opening = new AsyncDisposableStack()
  opening.use(await ownFolder(dataDir, { limitMs: options.ownerLimitMs ?? 10_000, signal }))
  const plan = await makePlan(dataDir, options)
  await ensureCluster(plan)
  const server = await openServer(plan)
  opening.defer(() => rm(server.socketDir, { recursive: true, force: true }))
  const supervision = superviseServer({ ...plan, socketDir: server.socketDir }, server.pid, log)
  opening.defer(() => stopServer(supervision.pid, plan.clusterDir))
  opening.defer(() => supervision.stop())

  log('database server ready', { startedBy: server.startedBy, pid: server.pid, tookMs: performance.now() - startedAt })
  const open = opening.move()
  let stopping: Promise<void> | undefined
  const stop = () => {
    stopping ??= open.disposeAsync()
    return stopping
  }
  return {
    connection: connectionAt(server.socketDir),
    startedBy: server.startedBy,
    get pid() {
      return supervision.pid
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

async function makePlan(dataDir: string, options: EmbeddedOptions): Promise<Omit<ServerPlan, 'socketDir'>> {
  const clusterDir = join(dataDir, 'postgres')
  return {
    clusterDir,
    logFile: join(dataDir, 'postgres.log'),
    binaries: await findBinaries(),
    account: await serverAccount(clusterDir),
    bwrap: options.bwrap,
    settings: options.settings ?? {},
    signal: options.signal,
  }
}

type Server = Pick<EmbeddedPostgres, 'startedBy' | 'pid'> & { readonly socketDir: string }

/** Where a server with its socket in this folder is reached. */
export const connectionAt = (socketDir: string): Connection => ({
  host: socketDir,
  port: 5432,
  user: SUPERUSER,
  database: DATABASE,
})

/** A server that answers. One that was found while it was dying (a kill takes a moment) is started again. */
async function openServer(plan: Omit<ServerPlan, 'socketDir'>): Promise<Server> {
  const server = await findOrStart(plan)
  try {
    await ensureDatabase(connectionAt(server.socketDir))
    return server
  } catch (error) {
    const gone = async () => ((await isServer(server.pid, plan.clusterDir)) ? undefined : true)
    const limits = { limitMs: DYING_LIMIT_MS, signal: plan.signal, late: () => messageOf(error) }
    if (server.startedBy === 'found' && (await waitFor(gone, limits))) return openServer(plan)
    await stopServer(server.pid, plan.clusterDir)
    throw error
  }
}

async function findOrStart(plan: Omit<ServerPlan, 'socketDir'>): Promise<Server> {
  const found = await findRunning(plan)
  if (found) return found
  const left = await lookForServer(plan.clusterDir)
  const socketDir = await openSocketFolder(plan.clusterDir, plan.account)
  try {
    const pid = await startServer({ ...plan, socketDir })
    return { pid, socketDir, startedBy: left.kind === 'stale' ? 'recovered' : 'us' }
  } catch (error) {
    const begun = await lookForServer(plan.clusterDir)
    if (begun.kind !== 'running') await rm(socketDir, { recursive: true, force: true })
    throw error
  }
}

/** The server a former owner left behind; one that was on its way out is waited for until it has gone. */
async function findRunning(plan: Omit<ServerPlan, 'socketDir'>): Promise<Server | undefined> {
  await waitUntilReadyOrGone(plan)
  const server = await lookForServer(plan.clusterDir)
  if (server.kind !== 'running' || server.socketDir === undefined) return undefined
  return { pid: server.pid, socketDir: server.socketDir, startedBy: 'found' }
}

/** The role's default database exists from initdb on; ours is made here, so an interruption in between heals itself. */
async function ensureDatabase(connection: Connection): Promise<void> {
  const client = await connectClient({
    ...connection,
    database: 'postgres',
    ssl: false,
    connectionTimeoutMillis: 10_000,
  })
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [connection.database])
    if (rowCount === 0) await client.query(`create database ${client.escapeIdentifier(connection.database)}`)
  } finally {
    await client.end()
  }
}
