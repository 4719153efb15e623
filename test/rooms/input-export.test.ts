/** The export of a notebook's inputs: when it is refused, what its zip holds, and how an input that fails ends it. */

import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import type { InputExportOptions } from '../../contract/input-exports.ts'
import type { NotebookInput } from '../../contract/notebook-files.ts'
import type { StoredNotebook } from '../../server/catalog/notebooks.ts'
import { INPUT_EXPORT, requestInputExport } from '../../server/executions/input-export.ts'
import { exportInputs } from '../../server/executions/input-zip.ts'
import type { AppError } from '../../server/ground/errors.ts'
import { newId } from '../../server/ground/ids.ts'
import { createLog } from '../../server/ground/log.ts'
import { packFolder } from '../../server/ground/zip.ts'
import { createJobs } from '../../server/jobs/jobs.ts'
import { openQueue } from '../../server/jobs/queue.ts'
import type { JobTools, RunningJob } from '../../server/jobs/work.ts'
import type { Database } from '../../server/stores/postgres/database.ts'
import { makeApplication, makeDevice, makeFolder, makeNotebook } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'
import { makeStaging } from '../support/staging.ts'
import { readZip } from '../support/zip.ts'

const NOW = new Date('2026-03-01T00:00:00Z')
const QUARTER_MS = 15 * 60_000

/** Asks as the door does; nobody works on the jobs here. */
async function makeAsk(t: TestContext, db: Database) {
  const queue = await openQueue(db, { supervise: false, log: createLog('silent') })
  t.after(() => queue[Symbol.asyncDispose]())
  const jobs = createJobs(queue, 'http://here')
  return (notebook: StoredNotebook, options: InputExportOptions = {}, intervalMs = QUARTER_MS) => {
    const requester = { type: 'user', id: newId() } as const
    return requestInputExport(db, jobs, { notebook, options, requester, baseUrl: 'http://here', intervalMs }, NOW)
  }
}

test('a notebook is exported once in a quarter of an hour, another one as well', async (t) => {
  const db = await openTestDatabase(t)
  const ask = await makeAsk(t, db)
  const [notebook, other] = [await makeNotebook(db), await makeNotebook(db)]
  await ask(notebook)
  await assert.rejects(ask(notebook), (error: AppError) => {
    assert.equal(error.kind, 'limited')
    assert.match(
      error.message,
      /^The inputs of a notebook can be exported once in 15 minutes; try again in (900|8\d\d) seconds$/,
    )
    assert.ok((error.retryAfterSeconds ?? 0) > 800 && (error.retryAfterSeconds ?? 0) <= 900)
    return true
  })
  await ask(other)
  await ask(notebook, {}, 0)
  await db.query(`update job_logs set queued_at = queued_at - interval '16 minutes'`)
  await ask(notebook)
})

test('an export that failed does not count', async (t) => {
  const db = await openTestDatabase(t)
  const ask = await makeAsk(t, db)
  const notebook = await makeNotebook(db)
  await ask(notebook)
  await db.query(`update job_logs set status = 'errored'`)
  await ask(notebook)
  await assert.rejects(ask(notebook), { kind: 'limited' })
})

test('of two requests at once one is refused', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 8 })
  const ask = await makeAsk(t, db)
  const notebook = await makeNotebook(db)
  const answers = await Promise.allSettled(Array.from({ length: 5 }, () => ask(notebook)))
  assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 1)
})

const refused: [options: InputExportOptions, reason: RegExp][] = [
  [{ relativeTo: 'yesterday' }, /^exportOptions\.relativeTo must be a time/],
  [{ templateContext: '{' }, /^exportOptions\.templateContext must be JSON text/],
]
for (const [options, reason] of refused) {
  test(`the options ${JSON.stringify(options)} are refused, and do not count`, async (t) => {
    const db = await openTestDatabase(t)
    const ask = await makeAsk(t, db)
    const notebook = await makeNotebook(db)
    await assert.rejects(ask(notebook, options), { kind: 'invalid', message: reason })
    await ask(notebook)
  })
}

test('what is asked for stands in the job: the query time as it was then', async (t) => {
  const db = await openTestDatabase(t)
  const ask = await makeAsk(t, db)
  const notebook = await makeNotebook(db)
  await ask(notebook, { relativeTo: -1000, templateContext: '{"a": 1}', email: 'a@example.com' })
  const job = await db.one('select kind, resource_type, resource_id, input from job_logs')
  assert.deepEqual(job, {
    kind: INPUT_EXPORT,
    resource_type: 'notebook',
    resource_id: notebook.id,
    input: { relativeTo: '2026-02-28T23:59:59.000Z', templateContext: '{"a": 1}', email: 'a@example.com' },
  })
})

/** The texts of the files of a zip. */
const unzipped = async (zipFile: string): Promise<Record<string, string>> =>
  Object.fromEntries(Object.entries(await readZip(zipFile)).map(([name, content]) => [name, String(content)]))

async function work(t: TestContext, db: Database, applicationId: string, inputs: NotebookInput[], input: object = {}) {
  const { id } = await makeNotebook(db, { applicationId, inputs })
  const staging = await makeStaging(t, db, applicationId)
  const folder = await makeFolder(t)
  // Only what the work reads of it.
  const job = {
    applicationId,
    resourceId: id,
    input: { relativeTo: NOW.toISOString(), ...input },
  } as unknown as RunningJob
  const tools: JobTools = { folder, signal: staging.signal, progress: () => {}, log: createLog('silent') }
  const { files = [], output } = await exportInputs(staging)(job, tools)
  return Object.assign([...files], { output })
}

test('the zip holds every input under its rendered name at the root, and the context to the letter', async (t) => {
  const db = await openTestDatabase(t)
  const { id: applicationId } = await makeApplication(db)
  const device = await makeDevice(db, { applicationId, name: 'Größe, "1"' })
  const context = '{"name": "devices",  "none": null}'
  const inputs: NotebookInput[] = [
    { inputType: 'deviceMetadata', fileName: '{{ctx.name}}.csv', queryJson: '{}' },
    { inputType: 'deviceData', fileName: 'data.csv', start: -1, end: 0, deviceIds: [device.id] },
  ]
  const [file, ...others] = await work(t, db, applicationId, inputs, { templateContext: context })
  assert.deepEqual(others, [])
  const { output } = await work(t, db, applicationId, [{ inputType: 'deviceMetadata', fileName: 'none.csv' }])
  assert.match(JSON.stringify(output), /"warnings":\["Input \\"none\.csv\\" chooses no devices/)
  assert.equal(file?.name, 'inputs.zip')
  const files = await unzipped(file.path)
  assert.deepEqual(Object.keys(files), ['context.json', 'data.csv', 'devices.csv'])
  assert.equal(files['context.json'], context)
  assert.equal(files['data.csv'], 'ID,Timestamp\n')
  assert.match(files['devices.csv'] ?? '', /,"Größe, ""1""",/)
})

test('an input that fails ends the job, named', async (t) => {
  const db = await openTestDatabase(t)
  const { id: applicationId } = await makeApplication(db)
  const inputs: NotebookInput[] = [
    { inputType: 'deviceMetadata', fileName: 'good.csv' },
    { inputType: 'deviceMetadata', fileName: 'bad.csv', queryJson: '{' },
  ]
  await assert.rejects(work(t, db, applicationId, inputs), {
    kind: 'invalid',
    message: /^Input "bad\.csv" \(deviceMetadata\): queryJson must be JSON/,
  })
})

test('a notebook without inputs gives an empty zip, one that is gone none', async (t) => {
  const db = await openTestDatabase(t)
  const { id: applicationId } = await makeApplication(db)
  const [file] = await work(t, db, applicationId, [])
  assert.deepEqual(await unzipped(file?.path ?? ''), {})
  const job = { applicationId, resourceId: newId(), input: {} } as RunningJob
  const staging = await makeStaging(t, db, applicationId)
  const tools: JobTools = {
    folder: await makeFolder(t),
    signal: staging.signal,
    progress: () => {},
    log: createLog('silent'),
  }
  await assert.rejects(exportInputs(staging)(job, tools), { kind: 'notFound' })
})

test('packing stops when it is told to, and fails when a file is gone', async (t) => {
  const folder = await makeFolder(t)
  await mkdir(join(folder, 'in'))
  await writeFile(join(folder, 'in', 'a.csv'), 'x'.repeat(1_000_000))
  const stop = AbortSignal.abort(new Error('told to stop'))
  await assert.rejects(packFolder(join(folder, 'in'), join(folder, 'a.zip'), stop), /told to stop|aborted/)
  await packFolder(join(folder, 'in'), join(folder, 'b.zip'), new AbortController().signal)
  assert.ok((await readFile(join(folder, 'b.zip'))).byteLength < 100_000, 'it is compressed')
  await mkdir(join(folder, 'in', 'folder'))
  await assert.rejects(
    packFolder(join(folder, 'in'), join(folder, 'c.zip'), new AbortController().signal),
    /not a file/,
  )
})
