/** The parts list: every part of the service is built here, once, in this order, and closed in reverse. */

import { once } from 'node:events'
import { mkdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openLinkSecret } from './access/secrets.ts'
import { openTokens } from './access/tokens.ts'
import { ensureFirstUser } from './access/users.ts'
import { sandboxLimits } from './executions/limits.ts'
import { openWorker } from './executions/worker.ts'
import type { Config } from './ground/config.ts'
import { messageOf } from './ground/errors.ts'
import { createLog, type Log } from './ground/log.ts'
import { removeTree } from './ground/remove-tree.ts'
import { createApp, type FastifyInstance } from './http/app.ts'
import type { Parts } from './http/parts.ts'
import { createKernels, type Kernels } from './kernel/kernels.ts'
import type { SandboxHost } from './sandbox/host.ts'
import { createImages, type Images } from './sandbox/images.ts'
import { probeSandbox } from './sandbox/probe.ts'
import { openToSandboxes } from './sandbox/readable.ts'
import type { SandboxLimits } from './sandbox/spec.ts'
import { openFsBlobs } from './stores/blobs/fs.ts'
import { linkTo } from './stores/blobs/links.ts'
import { type DatabaseAddress, openDatabase } from './stores/postgres/database.ts'
import { openEmbeddedPostgres } from './stores/postgres/embedded.ts'
import { migrate } from './stores/postgres/migrate.ts'

/** What runs inside the sandboxes. */
const RUNNER = fileURLToPath(new URL('../runner', import.meta.url))

export interface Service extends AsyncDisposable {
  /** `http://host:port`. */
  readonly url: string
  /** The password made for the first user, on the start that made it. */
  readonly madePassword: string | undefined
}

/** Opens the service; disposing it ends every process it started. */
export async function openService(config: Config): Promise<Service> {
  await requireFreePort(config.http)
  await using opening = new AsyncDisposableStack()
  const logger = createLog(config.logLevel)
  const event = (name: string, fields: Record<string, unknown>) => logger.info(fields, name)
  const loopDelay = opening.use(watchLoopDelay())
  const bwrap = await findBwrap(config.toolsDir)

  const address = await databaseAddress(config, bwrap, opening, event)
  const poolSize = 10 + 2 * config.worker.slots
  const db = opening.use(await openDatabase(address, { poolSize, log: event }))
  const migrations = await migrate(db)
  if (migrations.length > 0) logger.info({ migrations }, 'database migrated')

  const blobs = await openFsBlobs(join(config.dataDir, 'blobs'))
  const keys = join(config.dataDir, 'keys')
  const tokens = await openTokens(keys)
  const linkSecret = await openLinkSecret(keys)
  const madePassword = await ensureFirstUser(db, config.admin.email, config.admin.password)

  const limits = sandboxLimits(config.limits)
  await openToSandboxes(RUNNER)
  const images = createImages(config.toolsDir)
  const host = await probeSandbox({ bwrap, mode: config.sandbox.mode, limits, image: () => images.get('v4') })
  const { level, name, missing, problem } = host
  logger[missing.length > 0 ? 'warn' : 'info'](
    { sandboxLevel: level, sandbox: name, missing, problem },
    'sandbox probed',
  )
  const kernels = opening.use(await openKernels(config, host, limits, images, logger))

  const linkFile: Parts['linkFile'] = (baseUrl, key, fileName, from) =>
    baseUrl + linkTo(linkSecret, { key, fileName, expiresAt: new Date(from.getTime() + config.urls.ttlMs) })
  const worker = opening.use(
    await openWorker(
      {
        db,
        blobs,
        log: logger,
        host,
        kernels,
        image: images.get,
        limits,
        workRoot: join(config.dataDir, 'work'),
        // Templates of outputs see the record without an address: they run where no client has asked.
        linkFile: (file, name, from) => linkFile(config.http.publicUrl ?? '', file.key, name, from),
      },
      { slots: config.worker.slots },
    ),
  )

  const health: Parts['health'] = async () => ({
    database: await databaseHealth(db),
    sandbox: sandboxHealth(host),
    image: await imageHealth(images),
    kernels: kernelHealth(kernels),
    worker: { ready: true, slots: config.worker.slots, running: worker.running },
    eventLoop: { ready: true, longestDelayMs: loopDelay.longestMs() },
  })
  const app = await createApp({ db, blobs, tokens, config, log: logger, linkSecret, linkFile, health }, logger)
  opening.defer(() => closeDoor(app))
  await app.listen({ host: config.http.host, port: config.http.port })

  const parts = opening.move()
  return { url: addressOf(app.server.address()), madePassword, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

/** The room kernels come from, its folder emptied of what a crash left, and the default image being warmed. */
async function openKernels(
  config: Config,
  host: SandboxHost,
  limits: SandboxLimits,
  images: Images,
  log: Log,
): Promise<Kernels> {
  const root = join(config.dataDir, 'kernels')
  await removeTree(root)
  // Closed to other users of the machine; the sandboxes get at what is inside by mounts, not by this path.
  await mkdir(root, { recursive: true, mode: 0o700 })
  const kernels = createKernels({ host, root, limits, log, ...config.kernels })
  // Without an image there is nothing to warm; the first run says so.
  void images.get('v4').then(kernels.warm, () => {})
  return kernels
}

/** Requests under way may end within this time; then their connections are cut. */
const LAST_REQUESTS_MS = 10_000

/**
 * Closes the door. A connection whose request was under way is kept alive by its client when the answer is out, and
 * would hold the service back until it times out; so idle ones are let go again and again.
 */
async function closeDoor(app: FastifyInstance): Promise<void> {
  const startedAt = performance.now()
  const sweep = setInterval(() => {
    if (performance.now() - startedAt < LAST_REQUESTS_MS) app.server.closeIdleConnections()
    else app.server.closeAllConnections()
  }, 50)
  try {
    await app.close()
  } finally {
    clearInterval(sweep)
  }
}

/** Fails at once when the port is taken, before a database is made for nothing. */
async function requireFreePort({ host, port }: Config['http']): Promise<void> {
  if (port === 0) return
  const probe = createServer().listen(port, host)
  await once(probe, 'listening')
  probe.close()
  await once(probe, 'close')
}

/** The database of DATABASE_URL, or an embedded one that ends with the service. */
async function databaseAddress(
  config: Config,
  bwrap: string,
  opening: AsyncDisposableStack,
  log: (name: string, fields: Record<string, unknown>) => void,
): Promise<DatabaseAddress> {
  if (config.databaseUrl) return { connectionString: config.databaseUrl }
  const embedded = opening.use(await openEmbeddedPostgres({ dataDir: config.dataDir, bwrap, log }))
  return { connection: embedded.connection }
}

/** The bubblewrap that set-up found or fetched; without set-up, whatever the PATH has. */
async function findBwrap(toolsDir: string): Promise<string> {
  try {
    return String(JSON.parse(await readFile(join(toolsDir, 'tools.json'), 'utf8')).bwrap)
  } catch {
    return 'bwrap'
  }
}

async function databaseHealth(db: { one: (text: string) => Promise<unknown> }) {
  await db.one('select 1')
  return { ready: true }
}

const sandboxHealth = ({ level, name, missing, problem }: SandboxHost) => ({
  ready: problem === undefined,
  level,
  name,
  missing,
  ...(problem === undefined ? {} : { problem }),
})

/** Ready even when nothing is warm: kernels then start cold, and the reason is told. */
const kernelHealth = ({ state }: Kernels) => ({ ready: true, ...state })

async function imageHealth(images: { get(version: string): Promise<{ version: string; source: string }> }) {
  try {
    const { version, source } = await images.get('v4')
    return { ready: true, version, source }
  } catch (error) {
    return { ready: false, problem: messageOf(error) }
  }
}

function addressOf(address: string | { address: string; port: number; family: string } | null): string {
  if (address === null || typeof address === 'string') throw new Error('the service is not listening on a port')
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `http://${host}:${address.port}`
}
