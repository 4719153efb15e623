/** `npm run demo`: the main job from nothing to results, through the public API, on a data folder of its own. */

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Client, signIn } from '../client/client.ts'
import { createApplication } from '../contract/applications.ts'
import { createDataTable } from '../contract/data-tables.ts'
import { createDevice } from '../contract/devices.ts'
import { executeNotebook, getExecution } from '../contract/executions.ts'
import { createNotebook, uploadNotebook } from '../contract/notebooks.ts'
import type { ReplyOf } from '../contract/route.ts'
import { listRows } from '../contract/rows.ts'
import { sendState } from '../contract/states.ts'
import { openServiceProcess } from './service-process.ts'
import { createLiveLine, seconds } from './terminal.ts'
import { readStations } from './weather.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const RESULTS = join(ROOT, 'demo-results')
const NOTEBOOK = join(ROOT, 'examples', 'weather-stations.ipynb')
const EMAIL = 'demo@fieldbook.local'
const PASSWORD = 'weather-report'
const KEEP_PORT = 8410

const HELP = `npm run demo -- [options]

Starts Fieldbook on a fresh data folder, loads four years of daily weather of two stations through the API, runs
examples/weather-stations.ipynb over it and shows what came out.

  --keep        leave the service running afterwards, and say how to sign in
  --port N      port to listen on (default: a free one; with --keep ${KEEP_PORT})
  --help        this text`

type Run = ReplyOf<typeof getExecution>

await main()

async function main(): Promise<void> {
  const values = readOptions()
  if (!values) return
  const interrupted = untilInterrupted()
  // A folder for each demo: an older one may still be running with --keep.
  const dataDir = join(ROOT, '.fieldbook', `demo-${Date.now().toString(36)}`)
  const started = performance.now()
  try {
    await using service = await openServiceProcess({
      dataDir,
      port: values.port === undefined ? (values.keep ? KEEP_PORT : 0) : Number(values.port),
      email: EMAIL,
      password: PASSWORD,
      env: process.env,
    })
    console.log(`Fieldbook is up at ${service.url} (${seconds(performance.now() - started)})`)
    const succeeded = await Promise.race([runMainJob(service.url, values.keep), interrupted])
    if (values.keep && succeeded) await keepRunning(service, interrupted)
    process.exitCode = succeeded ? 0 : 1
  } catch (error) {
    console.error(`\nThe demo did not work: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
}

/** The options, or undefined when there is nothing to do but to have told about them. */
function readOptions(): { keep: boolean; port?: string } | undefined {
  try {
    const { values } = parseArgs({
      options: { keep: { type: 'boolean', default: false }, port: { type: 'string' }, help: { type: 'boolean' } },
    })
    if (!values.help) return values
    console.log(HELP)
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`)
    process.exitCode = 2
  }
  return undefined
}

/** Loads, runs and shows; true when the run completed. */
async function runMainJob(url: string, keep: boolean): Promise<boolean> {
  const client = await signIn(url, EMAIL, PASSWORD)
  const { id: applicationId } = await client.call(createApplication, { body: { name: 'Weather stations' } })
  const stations = await loadStations(client, applicationId)
  const { id: dataTableId } = await client.call(createDataTable, {
    params: { applicationId },
    body: { name: 'Weather by month', description: 'Written by the weather notebook.' },
  })
  const notebookId = await uploadExample(client, applicationId, dataTableId)
  const run = await execute(client, { applicationId, notebookId }, stations)
  const table = await client.call(listRows, { params: { applicationId, dataTableId }, query: { limit: '3' } })
  await showRun(run, table.totalCount, keep)
  return run.status === 'completed'
}

/** One device for each station, and its whole history; gives device id → city. */
async function loadStations(client: Client, applicationId: string): Promise<Record<string, string>> {
  const line = createLiveLine()
  const names: Record<string, string> = {}
  let sent = 0
  for (const { device, states } of await readStations()) {
    const { id: deviceId } = await client.call(createDevice, { params: { applicationId }, body: device })
    names[deviceId] = device.tags?.find(({ key }) => key === 'city')?.value ?? device.name
    for (let from = 0; from < states.length; from += 500) {
      const batch = states.slice(from, from + 500)
      await client.call(sendState, { params: { applicationId, deviceId }, body: batch })
      sent += batch.length
      line.show(
        `Loading device history: ${sent.toLocaleString('en')} daily reports of ${Object.values(names).join(' and ')}`,
      )
    }
  }
  line.end()
  return names
}

async function uploadExample(client: Client, applicationId: string, dataTableId: string): Promise<string> {
  const { id: notebookId } = await client.call(createNotebook, {
    params: { applicationId },
    body: {
      name: 'Weather stations',
      description: 'Seasons, records and a trend for every station.',
      inputs: [
        {
          inputType: 'deviceData',
          fileName: 'weather.csv',
          deviceTags: [{ key: 'kind', value: 'weatherStation' }],
          start: 1,
          end: 0,
        },
      ],
      outputs: [
        {
          outputType: 'dataTable',
          fileName: 'summary.csv',
          dataTableId,
          createMissingColumns: true,
          truncateExistingTable: true,
        },
        {
          outputType: 'file',
          fileName: 'seasons.png',
          destinationDirectoryTemplate: '/reports/{{ctx.year}}',
          destinationFileNameTemplate: 'seasons.png',
        },
        { outputType: 'temporaryUrl', fileName: 'summary.csv' },
        { outputType: 'executionResult', fileName: 'result.html' },
      ],
    },
  })
  const file = { name: 'weather-stations.ipynb', bytes: new Uint8Array(await readFile(NOTEBOOK)) }
  await client.call(uploadNotebook, { params: { applicationId, notebookId }, file })
  return notebookId
}

/** Executes the notebook as of the end of 2015 and shows where it is until it has ended. */
async function execute(
  client: Client,
  params: { applicationId: string; notebookId: string },
  stations: Record<string, string>,
): Promise<Run> {
  const context = { title: 'Four years of weather', stations, unit: '°C', year: 2015 }
  const { executionId } = await client.call(executeNotebook, {
    params,
    body: { relativeTo: '2016-01-01T00:00:00.000Z', templateContext: JSON.stringify(context) },
  })
  const line = createLiveLine()
  for (;;) {
    const run = await client.call(getExecution, { params: { ...params, executionId } })
    const { phase, cell, cells } = run.progress
    if (phase === 'finished') {
      line.end(`Running the notebook: ${run.status}`)
      return run
    }
    line.show(`Running the notebook: ${phase}${phase === 'notebook' && cells > 0 ? `, cell ${cell} of ${cells}` : ''}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function showRun(run: Run, rows: number, keep: boolean): Promise<void> {
  console.log(`\nThe execution ${run.status}`)
  for (const { name, message } of run.executionErrors) console.log(`  ${name}: ${message}`)
  for (const [phase, ms] of phasesOf(run)) console.log(`  ${phase.padEnd(10)} ${seconds(ms)}`)
  console.log(`\n${rows} rows are in the data table "Weather by month"`)
  await rm(RESULTS, { recursive: true, force: true })
  await mkdir(RESULTS, { recursive: true })
  for (const name of ['result.html', 'seasons.png', 'summary.csv', 'result.ipynb']) {
    const url = run.outputInfo[name]?.url
    if (!url) continue
    const path = join(RESULTS, name)
    const response = await fetch(url)
    await writeFile(path, new Uint8Array(await response.arrayBuffer()))
    console.log(`  ${name.padEnd(13)} ${relative(process.cwd(), path)}${keep ? `\n                ${url}` : ''}`)
  }
}

/** How long each phase took, in ms, as far as the run got. */
function phasesOf(run: Run): [string, number][] {
  const marks: [string, string | undefined][] = [
    ['queued', run.runStartedAt],
    ['inputs', run.inputsCompletedAt],
    ['notebook', run.notebookCompletedAt],
    ['outputs', run.outputsCompletedAt],
  ]
  let from = Date.parse(run.runQueuedAt)
  return marks.flatMap(([phase, at]): [string, number][] => {
    if (!at) return []
    const took = Date.parse(at) - from
    from = Date.parse(at)
    return [[phase, took]]
  })
}

async function keepRunning(service: { url: string; ended: Promise<unknown> }, interrupted: Promise<boolean>) {
  console.log(`\nFieldbook goes on at ${service.url}. Sign in as ${EMAIL} with the password ${PASSWORD}, for example:`)
  console.log(
    `  curl -s ${service.url}/auth/user -H 'content-type: application/json' -d '{"email":"${EMAIL}","password":"${PASSWORD}"}'`,
  )
  console.log('Ctrl-C ends it and removes its data.')
  await Promise.race([service.ended, interrupted])
}

/** Resolves with false at the first SIGINT or SIGTERM, so that the service is closed in order. */
function untilInterrupted(): Promise<boolean> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve(false))
  })
}
