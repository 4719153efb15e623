/**
 * What one device's day costs an execution: 10,000 rows of five attributes as an input, from the claim until all inputs
 * are there, as the execution's own log tells it; from the hot table, and from sealed files.
 */

import type { Client } from '../client/client.ts'
import { createApplication } from '../contract/applications.ts'
import { createDevice } from '../contract/devices.ts'
import { createNotebook, uploadNotebook } from '../contract/notebooks.ts'
import { createGate } from './idle.ts'
import { interleave, type Timed } from './measure.ts'
import { TRIVIAL } from './notebooks.ts'
import type { BenchOptions } from './options.ts'
import { executeOnce, type Ids, type Ours, openOurs } from './ours.ts'
import { type Batch, pump } from './pump.ts'
import { atMost, type Report } from './report.ts'
import { ATTRIBUTES, statesOf } from './states.ts'

const ROUNDS = 21
const DAY_MS = 24 * 3_600_000
const ROWS_A_DAY = 10_000
const STEP_MS = DAY_MS / ROWS_A_DAY
/** The day that is asked for has others of the same device around it, and others' rows beside it. */
const DAYS = 3
const ROWS = 300_000
const BATCH = 500
const CONNECTIONS = 8
const MOST_MS = 60

/** Long enough for the whole benchmark; and at once. */
const HOT = { FIELDBOOK_SEAL_AGE: '1d', FIELDBOOK_SEAL_ROWS: '10000000' }
const SEALED = { FIELDBOOK_SEAL_AGE: '1s' }

/** `rows` is how many are stored; the input has 10,000 of them, or what one device's day then has. */
export async function benchStaging(options: BenchOptions): Promise<Report> {
  const devices = Math.max(1, Math.round((options.rows ?? ROWS) / ROWS_A_DAY / DAYS))
  await using hot = await openOurs(HOT)
  await using sealed = await openOurs(SEALED)
  const contestants = []
  for (const [name, ours] of [
    ['hot', hot],
    ['sealed', sealed],
  ] as const) {
    const ids = await prepare(ours, devices)
    contestants.push({ name, run: () => stage(ours.client, ids) })
  }
  await sealed.untilSealed()
  const gate = createGate()
  const found = await interleave(contestants, options.rounds ?? ROUNDS, gate.pass)
  return report(found, devices, gate.told)
}

/** An application with its history, and a notebook that asks for the middle day of one device. */
async function prepare({ client }: Ours, devices: number): Promise<Ids> {
  const { id: applicationId } = await client.call(createApplication, { body: { name: 'staging' } })
  const start = Math.floor(Date.now() / DAY_MS - DAYS) * DAY_MS
  const deviceIds: string[] = []
  for (let device = 0; device < devices; device++) {
    const body = { name: `device ${device}`, attributes: ATTRIBUTES }
    deviceIds.push((await client.call(createDevice, { params: { applicationId }, body })).id)
  }
  await pump(client, batches(applicationId, deviceIds, start), CONNECTIONS)
  const { id: notebookId } = await client.call(createNotebook, {
    params: { applicationId },
    body: {
      name: 'staging',
      inputs: [
        {
          inputType: 'deviceData',
          fileName: 'day.csv',
          deviceIds: [deviceIds[Math.floor(devices / 2)] ?? ''],
          start: start + DAY_MS,
          end: start + 2 * DAY_MS,
        },
      ],
    },
  })
  const bytes = new TextEncoder().encode(TRIVIAL.text)
  await client.call(uploadNotebook, { params: { applicationId, notebookId }, file: { name: 'bench.ipynb', bytes } })
  return { applicationId, notebookId }
}

/** As the reports come in: all devices at the same time. */
function* batches(applicationId: string, deviceIds: readonly string[], start: number): Generator<Batch> {
  for (let row = 0; row < DAYS * ROWS_A_DAY; row += BATCH) {
    const body = Buffer.from(JSON.stringify(statesOf(start + row * STEP_MS, STEP_MS, BATCH)))
    for (const deviceId of deviceIds) {
      yield { path: `/applications/${applicationId}/devices/${deviceId}/state`, body, states: BATCH }
    }
  }
}

/** From the claim until the inputs are there, in ms. @throws when the input has other rows than the day has */
async function stage(client: Client, ids: Ids): Promise<number> {
  const { detail } = await executeOnce(client, ids)
  const csv = await (await fetch(detail.inputInfo['day.csv']?.url ?? '')).text()
  const rows = csv.trimEnd().split('\n').length - 1
  if (rows !== ROWS_A_DAY) throw new Error(`the input has ${rows} rows, the day has ${ROWS_A_DAY}`)
  return Date.parse(detail.inputsCompletedAt ?? '') - Date.parse(detail.runStartedAt ?? '')
}

function report(found: readonly Timed[], devices: number, told: string): Report {
  return {
    name: 'staging',
    says: `one device, one day, ${ROWS_A_DAY} rows of ${ATTRIBUTES.length} attributes, of ${devices} devices × ${DAYS} days; runStartedAt to inputsCompletedAt of the log`,
    tables: [
      {
        head: ['', 'median, ms', 'min', 'max'],
        rows: found.map(({ name, medianMs, minMs, maxMs }) => [name, medianMs, minMs, maxMs]),
      },
    ],
    bars: found.map(({ name, medianMs }) => atMost(`one device's day, ${name}`, medianMs, MOST_MS, 'ms')),
    notes: [
      `Hot: ${settings(HOT)}; sealed: ${settings(SEALED)}, and nothing was left in the hot table.`,
      'Every input was fetched and had all rows.',
      told,
    ],
  }
}

const settings = (env: Record<string, string>) =>
  Object.entries(env)
    .map((pair) => pair.join('='))
    .join(' ')
