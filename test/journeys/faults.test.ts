/** What befalls a service in the middle of its work: its database dies, it is told to stop, one of its workers is killed, its disk is full. */

import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { ApiFailure, type Client, signIn } from '../../client/client.ts'
import { createApplication } from '../../contract/applications.ts'
import { cancelExecution, executeNotebook, getExecution } from '../../contract/executions.ts'
import { listFiles } from '../../contract/files.ts'
import { createNotebook, uploadNotebook } from '../../contract/notebooks.ts'
import { processesIn } from '../support/postgres-folder.ts'
import { EMAIL, makeDataDir, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { ipynb } from '../support/steps.ts'
import { until } from '../support/until.ts'

const FOR_EVER = 'import threading; threading.Event().wait()'
const WRITE = 'import os; open(os.environ["OUTPUT_DIR"] + "/a.txt", "w").write("done")'
/** A cell that goes on until somebody else is through: as long as the file is not there that it looks for. */
const seconds = (count: number) => `import time; time.sleep(${count})`

interface Params {
  readonly applicationId: string
  readonly notebookId: string
}

/** A notebook of these cells that stores what the first of them wrote. */
async function makeNotebook(client: Client, ...cells: string[]): Promise<Params> {
  const { id: applicationId } = await client.call(createApplication, { body: { name: 'a plant' } })
  const { id: notebookId } = await client.call(createNotebook, {
    params: { applicationId },
    body: {
      name: 'a notebook',
      outputs: [{ outputType: 'file', fileName: 'a.txt', destinationFileNameTemplate: '{{execution.id}}.txt' }],
    },
  })
  const params = { applicationId, notebookId }
  const bytes = Uint8Array.from(Buffer.from(ipynb(WRITE, ...cells)))
  await client.call(uploadNotebook, { params, file: { name: 'a.ipynb', bytes } })
  return params
}

const execute = async (client: Client, params: Params) =>
  (await client.call(executeNotebook, { params, body: {} })).executionId

const read = (client: Client, params: Params, executionId: string) =>
  client.call(getExecution, { params: { ...params, executionId } })

/** Resolves with the execution once it is what is waited for; a service that is away is asked again. */
async function untilIs(
  client: Client,
  params: Params,
  executionId: string,
  is: (execution: Awaited<ReturnType<typeof read>>) => boolean,
) {
  let last: Awaited<ReturnType<typeof read>> | undefined
  await until(async () => {
    last = await read(client, params, executionId).catch(unlessAway)
    return last !== undefined && is(last)
  })
  assert.ok(last)
  return last
}

function unlessAway(error: unknown): undefined {
  if (error instanceof ApiFailure && error.status !== 503) throw error
}

const inCell = (cell: number) => (execution: Awaited<ReturnType<typeof read>>) => execution.progress.cell === cell
const ended = ({ status }: { status: string }) => ['completed', 'errored', 'timeout', 'canceled'].includes(status)

const storedFiles = async (client: Client, { applicationId }: Params) =>
  (await client.call(listFiles, { params: { applicationId }, query: {} })).items.map(({ name }) => name)

const databasePid = async (dataDir: string) =>
  Number((await readFile(join(dataDir, 'postgres/postmaster.pid'), 'utf8')).split('\n')[0])

test('a database killed in the middle of a run is started again, and the run ends as if nothing had been', async () => {
  await using service = await startService()
  const client = await signIn(service.url, EMAIL, PASSWORD)
  const params = await makeNotebook(client, seconds(2), seconds(1))
  const executionId = await execute(client, params)
  await untilIs(client, params, executionId, inCell(2))
  process.kill(await databasePid(service.dataDir), 'SIGKILL')
  const execution = await untilIs(client, params, executionId, ended)
  assert.deepEqual([execution.status, execution.attempt, execution.executionErrors], ['completed', 1, []])
  assert.deepEqual(await storedFiles(client, params), [`${executionId}.txt`])
})

test('while the database is away the door says so, and that it is worth trying again', async () => {
  await using service = await startService()
  const client = await signIn(service.url, EMAIL, PASSWORD)
  const params = await makeNotebook(client)
  process.kill(await databasePid(service.dataDir), 'SIGKILL')
  const url = `${service.url}/applications/${params.applicationId}/notebooks/${params.notebookId}`
  const answers = new Map<number, string | null>()
  await until(async () => {
    const response = await fetch(url, { headers: { authorization: `Bearer ${client.token}` } })
    await response.text()
    answers.set(response.status, response.headers.get('retry-after'))
    return response.status === 200 && answers.has(503)
  })
  assert.deepEqual([...answers.keys()].sort(), [200, 503])
  assert.equal(answers.get(503), '2')
})

test('a service told to stop lets runs end, takes nothing new, and still shows and cancels', async () => {
  await using data = await makeDataDir()
  const service = await startService({ dataDir: data.path, env: { FIELDBOOK_DRAIN: '60s', FIELDBOOK_SLOTS: '2' } })
  const client = await signIn(service.url, EMAIL, PASSWORD)
  const params = await makeNotebook(client, seconds(3))
  const endless = await makeNotebook(client, FOR_EVER)
  const [running, stuck] = [await execute(client, params), await execute(client, endless)]
  await untilIs(client, params, running, inCell(2))
  await untilIs(client, endless, stuck, inCell(2))
  const stopping = service.stop()
  const health = async () => (await fetch(`${service.url}/healthz`)).status
  await until(async () => (await health()) === 503)
  const refused = await fetch(`${service.url}/applications`, { method: 'POST', body: '{}' })
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '2'])
  assert.match(await refused.text(), /"type":"Unavailable".*about to stop/)
  await assert.rejects(execute(client, params), { status: 503 })
  assert.equal((await read(client, params, running)).status, 'inProgress')
  await client.call(cancelExecution, { params: endless, query: { executionId: stuck } })
  assert.equal(await stopping, 0)

  await using again = await startService({ dataDir: data.path })
  const later = await signIn(again.url, EMAIL, PASSWORD)
  const [first, second] = [await read(later, params, running), await read(later, endless, stuck)]
  assert.deepEqual([first.status, first.attempt, second.status], ['completed', 1, 'canceled'])
})

test('a worker killed in the middle of a run is noticed, and another one runs it once more', async () => {
  await using data = await makeDataDir()
  await using door = await startService({ dataDir: data.path, env: { FIELDBOOK_ROLE: 'api' } })
  const lines = (await readFile(join(data.path, 'postgres/postmaster.pid'), 'utf8')).split('\n')
  const env = {
    FIELDBOOK_ROLE: 'worker',
    FIELDBOOK_SLOTS: '1',
    DATABASE_URL: `postgres://fieldbook@/fieldbook?host=${encodeURIComponent(lines[4] ?? '')}`,
  }
  const first = await startService({ dataDir: data.path, env })
  const client = await signIn(door.url, EMAIL, PASSWORD)
  // Longer than the second worker takes to start on a machine that is busy with other tests.
  const params = await makeNotebook(client, seconds(20))
  const executionId = await execute(client, params)
  await untilIs(client, params, executionId, inCell(2))
  await using second = await startService({ dataDir: data.path, env })
  assert.deepEqual((await readdir(join(data.path, 'work'))).sort(), [first.url, second.url].sort())
  await first.crash()
  const execution = await untilIs(client, params, executionId, ended)
  assert.deepEqual([execution.status, execution.attempt], ['completed', 2])
  assert.deepEqual(await storedFiles(client, params), [`${executionId}.txt`])
  await until(async () => (await readdir(join(data.path, 'work'))).join() === second.url)
  assert.deepEqual(await processesIn(join(data.path, 'work', first.url)), [])
})

test('a worker needs to be told which database it shares', async () => {
  await assert.rejects(startService({ env: { FIELDBOOK_ROLE: 'worker' } }), /FIELDBOOK_ROLE=worker.*DATABASE_URL/s)
})

const canMount = process.getuid?.() === 0

test('a full disk ends runs or lets them wait, and once there is room everything goes on', {
  skip: canMount ? false : 'only root can mount a small disk',
}, async () => {
  await using data = await makeDataDir()
  const disk = join(data.path, 'disk')
  await mkdir(disk)
  await using service = await startService({ dataDir: disk, smallDiskMb: 400 })
  const client = await signIn(service.url, EMAIL, PASSWORD)
  const params = await makeNotebook(client, seconds(0))
  const before = await execute(client, params)
  assert.equal((await untilIs(client, params, before, ended)).status, 'completed')
  await fillDisk(service)
  const during = await client.call(executeNotebook, { params, body: {} }).catch(unlessAway)
  await emptyDisk(service)
  const after = await until503Ends(() => execute(client, params))
  assert.equal((await untilIs(client, params, after, ended)).status, 'completed')
  const completed: string[] = []
  for (const id of [before, after, ...(during ? [during.executionId] : [])]) {
    const { status } = await untilIs(client, params, id, ended)
    if (status === 'completed') completed.push(`${id}.txt`)
  }
  assert.deepEqual((await storedFiles(client, params)).sort(), completed.sort())
})

/** The disk is in the service's own mount namespace. */
const filler = (service: RunningService) => `/proc/${service.pid}/root${service.dataDir}/filler`

async function fillDisk(service: RunningService): Promise<void> {
  const chunk = Buffer.alloc(1_000_000)
  try {
    for (;;) await writeFile(filler(service), chunk, { flag: 'a' })
  } catch (error) {
    assert.ok(error instanceof Error && 'code' in error && error.code === 'ENOSPC', String(error))
  }
}

const emptyDisk = (service: RunningService) => rm(filler(service))

async function until503Ends<T>(ask: () => Promise<T>): Promise<T> {
  let answer: T | undefined
  await until(async () => {
    answer = await ask().catch(unlessAway)
    return answer !== undefined
  })
  if (answer === undefined) throw new Error('there is an answer by now')
  return answer
}
