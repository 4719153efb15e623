/** The parts list: every part of the service is built here, once, in this order, and closed in reverse. */

import { mkdir } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createCallbackSecrets } from './access/callback-secrets.ts'
import { openKeyFolder } from './access/key-folder.ts'
import { createPasswords } from './access/passwords.ts'
import { openAccountKey, openCallbackKey, openLinkSecret } from './access/secrets.ts'
import { openStandings } from './access/standings.ts'
import { openTokens } from './access/tokens.ts'
import { ensureFirstUser } from './access/users.ts'
import { createVault } from './access/vault.ts'
import { parallelOf } from './executions/claim.ts'
import { openEndings } from './executions/endings.ts'
import type { Sources } from './executions/inputs/input.ts'
import { sandboxLimits } from './executions/limits.ts'
import { attendanceOf, openPresence, type Presence } from './executions/presence.ts'
import { openScheduling } from './executions/schedules/scheduling.ts'
import { openUpkeep } from './executions/upkeep.ts'
import { openWatch } from './executions/watch.ts'
import { openWorker, type Worker } from './executions/worker.ts'
import { clearScratch } from './ground/clear-scratch.ts'
import type { Config } from './ground/config.ts'
import { createLog, type Log } from './ground/log.ts'
import { watchLoopDelay } from './ground/loop-delay.ts'
import { databaseHealth, documentHealth, imageHealth, kernelHealth, sandboxHealth } from './health.ts'
import { createApp } from './http/app.ts'
import { openDoor, requireFreePort } from './http/listen.ts'
import { configuredUrl } from './http/own-url.ts'
import type { Health, Parts } from './http/parts.ts'
import { dailyChores, jobKinds } from './job-kinds.ts'
import { openJobsRoom, openWorking } from './jobs/open.ts'
import { createKernels, type Kernels } from './kernel/kernels.ts'
import { readBrowser } from './render/browser.ts'
import { createRenderer, type Renderer } from './render/renderer.ts'
import { findBwrap } from './sandbox/find-bwrap.ts'
import type { SandboxHost } from './sandbox/host.ts'
import { createImages, type Images } from './sandbox/images.ts'
import { probeSandbox } from './sandbox/probe.ts'
import { openToSandboxes, openWay, requireWay } from './sandbox/readable.ts'
import type { SandboxLimits } from './sandbox/spec.ts'
import { openFsBlobs } from './stores/blobs/fs.ts'
import { linkTo } from './stores/blobs/links.ts'
import { openDuckDb } from './stores/duckdb/duckdb.ts'
import { type DatabaseAddress, openDatabase } from './stores/postgres/database.ts'
import { openEmbeddedPostgres } from './stores/postgres/embedded.ts'
import { migrate } from './stores/postgres/migrate.ts'
import { openIgnoredCounts } from './stores/telemetry/ignored.ts'
import { openTelemetry } from './stores/telemetry/telemetry.ts'

/** What runs inside the sandboxes. */
const RUNNER = fileURLToPath(new URL('../runner', import.meta.url))

export interface Service extends AsyncDisposable {
  /** `http://host:port`; a worker has none. */
  readonly url: string | undefined
  /** What the logs and the folder of a worker are named by; undefined for a service that only answers. */
  readonly workerId: string | undefined
  /** The password made for the first user, on the start that made it. */
  readonly madePassword: string | undefined
}

/** Opens the service; disposing it lets runs end for a while and ends every process it started. */
export async function openService(config: Config): Promise<Service> {
  const answers = config.role !== 'worker'
  if (answers) await requireFreePort(config.http)
  await using opening = new AsyncDisposableStack()
  const logger = createLog(config.logLevel)
  const event = (name: string, fields: Record<string, unknown>) => logger.info(fields, name)
  const loopDelay = opening.use(watchLoopDelay())
  const bwrap = await findBwrap(config.toolsDir)

  const address = await databaseAddress(config, bwrap, opening, event)
  const poolSize = 10 + 2 * config.worker.slots + 2 * config.jobs.slots
  const db = opening.use(await openDatabase(address, { poolSize, log: event }))
  const migrations = await migrate(db)
  if (migrations.length > 0) logger.info({ migrations }, 'database migrated')

  const blobs = await openFsBlobs(join(config.dataDir, 'blobs'))
  const root = join(config.dataDir, 'scratch')
  await clearScratch(root, { now: new Date(), signal: new AbortController().signal, isDryRun: false })
  const duckdb = opening.use(await openDuckDb({ root, threads: availableParallelism(), log: event, ...config.duckdb }))
  const telemetry = opening.use(await openTelemetry({ db, blobs, duckdb, root, log: event, ...config.telemetry }))
  const sources: Sources = { db, blobs, duckdb, telemetry, fetching: config.outgoing }
  const keys = join(config.dataDir, 'keys')
  const warn = (name: string, fields: Record<string, unknown>) => logger.warn(fields, name)
  await openKeyFolder(keys, (path, mode) => warn('others could read a key', { path, mode: mode.toString(8) }))
  const callbackSecrets = createCallbackSecrets(await openCallbackKey(keys))
  const linkSecret = await openLinkSecret(keys)
  const linkFile: Parts['linkFile'] = (baseUrl, key, fileName, from) =>
    baseUrl + linkTo(linkSecret, { key, fileName, expiresAt: new Date(from.getTime() + config.urls.ttlMs) })

  const chores = dailyChores(sources, config)
  const running =
    config.role === 'api' ? undefined : await openRunning(config, { bwrap, sources, log: logger, linkFile }, opening)
  const baseUrl = configuredUrl(config.http)
  const room = opening.use(
    await openJobsRoom({ db, log: logger, baseUrl, mailLimit: config.outgoing.mailLimit }, running !== undefined),
  )
  const jobWorker = running
    ? opening.use(
        await openWorking(
          {
            db,
            blobs,
            log: logger,
            room,
            work: jobKinds(sources, running),
            attendance: attendanceOf(running.presence, db),
            linkFile,
            secretsOf: (applicationId) => callbackSecrets.inUse(db, applicationId),
            chores,
          },
          { ...config.jobs, ...config.outgoing, linksMs: config.urls.ttlMs },
        ),
      )
    : undefined
  if (running) {
    const linkDays = Math.floor(config.urls.ttlMs / 86_400_000)
    opening.use(await openEndings({ db, log: logger, tell: room.tell, linkFile, linkDays, baseUrl }))
  }
  if (running) opening.use(telemetry.keepUp())
  if (running) opening.use(await openUpkeep({ db, blobs, forgetDevices: telemetry.forget, log: logger }))
  opening.use(await openScheduling({ db, log: logger, limits: config.limits }))
  const draining = new AbortController()

  let url: string | undefined
  let madePassword: string | undefined
  if (answers) {
    const tokens = await openTokens(keys, { given: config.givenKeys, warn })
    const standings = opening.use(await openStandings(db))
    const vault = createVault(await openAccountKey(keys))
    madePassword = await ensureFirstUser(db, config.admin.email, config.admin.password)
    const health: Parts['health'] = async () => ({
      door: { ready: !draining.signal.aborted },
      database: await databaseHealth(db),
      ...(await running?.health()),
      ...(jobWorker ? { jobs: { ready: true, slots: config.jobs.slots, running: jobWorker.running } } : {}),
      eventLoop: { ready: true, longestDelayMs: loopDelay.longestMs() },
    })
    const languages = () => languagesOf(createImages(config.toolsDir))
    const watch = opening.use(await openWatch(db))
    const ignoredCounts = opening.use(openIgnoredCounts(db, logger))
    const app = await createApp(
      {
        db,
        blobs,
        duckdb,
        telemetry,
        tokens,
        standings,
        passwords: createPasswords(),
        vault,
        config,
        log: logger,
        watch,
        jobs: room.jobs,
        replay: room.replay,
        callbackSecrets,
        chores,
        ignoredCounts,
        linkSecret,
        linkFile,
        languages,
        health,
        draining: draining.signal,
      },
      logger,
    )
    url = opening.use(await openDoor(app, config.http)).url
  }
  // Before the door closes: people see their runs end.
  opening.defer(async () => {
    draining.abort()
    await Promise.all([running?.worker.drain(config.worker.drainMs), jobWorker?.drain(config.worker.drainMs)])
  })

  const open = opening.move()
  return { url, workerId: running?.worker.id, madePassword, [Symbol.asyncDispose]: () => open.disposeAsync() }
}

/** Those of the default image; a door without one takes what comes. */
async function languagesOf(images: Images): Promise<readonly string[] | 'any'> {
  try {
    return (await images.get('v4')).kernelspecs.map(({ language }) => language)
  } catch {
    return 'any'
  }
}

interface Running {
  readonly worker: Worker
  readonly presence: Presence
  readonly renderer: Renderer
  readonly image: Images['get']
  readonly health: () => Promise<Record<string, Health>>
}

/** What runs notebooks: the sandbox, the images, warm kernels, and a worker over them. */
async function openRunning(
  config: Config,
  shared: { bwrap: string; sources: Sources; log: Log; linkFile: Parts['linkFile'] },
  opening: AsyncDisposableStack,
): Promise<Running> {
  const { bwrap, sources, log, linkFile } = shared
  const limits = sandboxLimits(config.limits)
  await openToSandboxes(RUNNER)
  const images = createImages(config.toolsDir)
  const probed = await probeSandbox({ bwrap, mode: config.sandbox.mode, limits, image: () => images.get('v4') })
  const host = await requireWay(probed, config.dataDir)
  const { level, name, missing, problem } = host
  log[missing.length > 0 ? 'warn' : 'info']({ sandboxLevel: level, sandbox: name, missing, problem }, 'sandbox probed')
  const presence = opening.use(
    await openPresence(sources.db, {
      root: join(config.dataDir, 'work'),
      log: (event, fields) => log.warn(fields, event),
    }),
  )
  const kernels = opening.use(await openKernels(config, host, join(presence.folder, 'kernels'), limits, images, log))
  const renderings = join(presence.folder, 'renderings')
  await mkdir(renderings)
  await openWay(host, config.dataDir, renderings)
  const browser = () => readBrowser(config.toolsDir)
  const { forking } = config.kernels
  const renderer = opening.use(createRenderer({ host, root: renderings, limits, log, browser, forking }))
  const worker = opening.use(
    await openWorker(
      {
        ...sources,
        log,
        host,
        kernels,
        renderer,
        image: images.get,
        limits,
        workRoot: presence.root,
        // Templates of outputs see the record without an address: they run where no client has asked.
        linkFile: (file, name, from) => linkFile(config.http.publicUrl ?? '', file.key, name, from),
      },
      { slots: config.worker.slots, presence, parallel: parallelOf(config.limits) },
    ),
  )
  const health = async () => ({
    sandbox: sandboxHealth(host),
    image: await imageHealth(images),
    kernels: kernelHealth(kernels, host),
    pages: { ready: true, ...renderer.state },
    documents: await documentHealth(browser),
    worker: { ready: worker.isPresent, slots: config.worker.slots, running: worker.running },
  })
  return { worker, presence, renderer, image: images.get, health }
}

/** The room kernels come from, with the default image being warmed. */
async function openKernels(
  config: Config,
  host: SandboxHost,
  root: string,
  limits: SandboxLimits,
  images: Images,
  log: Log,
): Promise<Kernels> {
  await mkdir(root)
  await openWay(host, config.dataDir, root)
  const kernels = createKernels({ host, root, limits, log, ...config.kernels })
  // Without an image there is nothing to warm; the first run says so.
  void images.get('v4').then(kernels.warm, () => {})
  return kernels
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
