/**
 * Our side of the benchmarks: the service as a process of its own, reached over HTTP only, and one execution from the
 * request until its final status is seen.
 */

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openServiceProcess } from '../cli/service-process.ts'
import { type Client, signIn } from '../client/client.ts'
import { watchEvents } from '../client/events.ts'
import { createApplication } from '../contract/applications.ts'
import { createDevice } from '../contract/devices.ts'
import { executeNotebook, getExecution } from '../contract/executions.ts'
import { createNotebook, uploadNotebook } from '../contract/notebooks.ts'
import type { ReplyOf } from '../contract/route.ts'
import { sendState } from '../contract/states.ts'
import { openDatabase } from '../server/stores/postgres/database.ts'
import type { BenchNotebook } from './notebooks.ts'

const EMAIL = 'bench@fieldbook.local'
const PASSWORD = 'only for the bench'
const ROWS = 1000

/** How often an execution is looked at: what is measured can be late by this much. */
const LOOK_MS = 4
const SEAL_LIMIT_MS = 120_000

export interface Ours extends AsyncDisposable {
  readonly client: Client
  readonly pid: number
  /** Makes a notebook of the application, with 1,000 rows of history as its input where it reads them. */
  prepare(notebook: BenchNotebook): Promise<Ids>
  /** Resolves when no state is left in the hot table; within two minutes. */
  untilSealed(): Promise<void>
  /** Where the database of the service listens, for a peer that reads the same rows. */
  database(): Promise<{ host: string; port: number }>
}

export type Detail = ReplyOf<typeof getExecution>

export interface Ids {
  readonly applicationId: string
  readonly notebookId: string
}

/** Requests are counted as always, and as many as can be are let through. */
const UNHINDERED = { FIELDBOOK_CALLER_RATE: '1000000/1s', FIELDBOOK_ADDRESS_RATE: '1000000/1s' }

/** Starts a service on a data folder that is gone afterwards; `env` are settings of this contestant. */
export async function openOurs(env: Record<string, string> = {}, nodeArgs: readonly string[] = []): Promise<Ours> {
  await using opening = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'fieldbook-bench-'))
  opening.defer(() => rm(folder, { recursive: true, force: true }))
  const service = opening.use(
    await openServiceProcess({
      dataDir: join(folder, 'data'),
      port: 0,
      email: EMAIL,
      password: PASSWORD,
      env: { ...process.env, FIELDBOOK_LOG_LEVEL: 'warn', ...UNHINDERED, ...env },
      nodeArgs,
    }),
  )
  if (env['FIELDBOOK_FORK_SERVER'] !== 'off') await untilWarm(service.url)
  const client = await signIn(service.url, EMAIL, PASSWORD)
  const { id: applicationId } = await client.call(createApplication, { body: { name: 'bench' } })
  const deviceId = await makeHistory(client, applicationId)
  const owned = opening.move()
  return {
    client,
    pid: service.pid,
    prepare: async (notebook) => prepare(client, applicationId, deviceId, notebook),
    untilSealed: () => untilSealed(join(folder, 'data', 'postgres')),
    database: () => listeningAt(join(folder, 'data', 'postgres')),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** A service that has just started starts kernels cold until its self-test is over, some three seconds later. */
async function untilWarm(url: string): Promise<void> {
  const limit = AbortSignal.timeout(60_000)
  for (;;) {
    const health = JSON.parse(await (await fetch(`${url}/healthz`, { signal: limit })).text())
    if (health.kernels?.v4?.ready === true && health.kernels.v4.spares > 0) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Nothing of the API tells what is sealed; the database of the service does, at the socket that its pid file names. */
async function untilSealed(clusterDir: string): Promise<void> {
  const connection = { ...(await listeningAt(clusterDir)), user: 'fieldbook', database: 'fieldbook' }
  await using db = await openDatabase({ connection }, { poolSize: 1 })
  const deadline = performance.now() + SEAL_LIMIT_MS
  while (await db.one('select 1 from hot_states limit 1')) {
    if (performance.now() > deadline) throw new Error(`states are still hot after ${SEAL_LIMIT_MS / 1000} s`)
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
}

async function listeningAt(clusterDir: string): Promise<{ host: string; port: number }> {
  const [, , , port, host = ''] = (await readFile(join(clusterDir, 'postmaster.pid'), 'utf8')).split('\n')
  return { host, port: Number(port) }
}

/** The service tells of the last 10 to 20 seconds. */
export const DELAY_WINDOW_MS = 20_000

/** The longest time the service's event loop was held up within that window. */
export async function loopDelayMs({ client }: Pick<Ours, 'client'>): Promise<number> {
  const health: unknown = await (await fetch(`${client.url}/healthz`)).json()
  return (health as { eventLoop: { longestDelayMs: number } }).eventLoop.longestDelayMs // our own service's answer
}

async function makeHistory(client: Client, applicationId: string): Promise<string> {
  const { id: deviceId } = await client.call(createDevice, {
    params: { applicationId },
    body: { name: 'pump', attributes: [{ name: 'value', dataType: 'number' }] },
  })
  const states = Array.from({ length: ROWS }, (_, index) => ({
    time: 1_700_000_000_000 + index * 60_000,
    data: { value: Math.round(1000 * Math.sin(index / 20)) / 10 },
  }))
  await client.call(sendState, { params: { applicationId, deviceId }, body: states })
  return deviceId
}

async function prepare(client: Client, applicationId: string, deviceId: string, notebook: BenchNotebook): Promise<Ids> {
  const history = { inputType: 'deviceData' as const, fileName: 'history.csv', deviceIds: [deviceId], start: 1, end: 0 }
  const { id: notebookId } = await client.call(createNotebook, {
    params: { applicationId },
    body: { name: notebook.name, inputs: notebook.readsHistory ? [history] : [], outputs: notebook.outputs ?? [] },
  })
  const bytes = new TextEncoder().encode(notebook.text)
  await client.call(uploadNotebook, { params: { applicationId, notebookId }, file: { name: 'bench.ipynb', bytes } })
  return { applicationId, notebookId }
}

/** Asks for an execution and gives its id. */
export async function ask(client: Client, ids: Ids): Promise<string> {
  return (await client.call(executeNotebook, { params: { ...ids }, body: {} })).executionId
}

/** Looks at an execution until it has ended. @throws when it ended otherwise than completed */
export async function seeEnd(client: Client, ids: Ids, executionId: string, lookMs = LOOK_MS): Promise<Detail> {
  for (;;) {
    const detail = await client.call(getExecution, { params: { ...ids, executionId } })
    if (detail.progress.phase === 'finished') {
      if (detail.status === 'completed') return detail
      throw new Error(`the execution ended ${detail.status}: ${JSON.stringify(detail.executionErrors)}`)
    }
    await new Promise((resolve) => setTimeout(resolve, lookMs))
  }
}

/**
 * One execution, and the ms from the request until its final status was seen: as the last event of its stream, which is
 * how a program waits for an end without asking again and again.
 */
export async function executeOnce(client: Client, ids: Ids): Promise<{ detail: Detail; tookMs: number }> {
  const from = performance.now()
  const executionId = await ask(client, ids)
  for await (const event of watchEvents(client, { ...ids, executionId })) {
    if (event.name !== 'finished') continue
    const tookMs = performance.now() - from
    return { detail: await seeEnd(client, ids, executionId), tookMs }
  }
  throw new Error('the stream of events ended before the execution')
}
