/** All inputs of a run together: names after rendering, failures that leave the others, copies that are kept. */

import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import type { NotebookInput } from '../../contract/notebook-files.ts'
import { stageInputs } from '../../server/executions/staging.ts'
import { makeApplication } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'
import { makeStaging } from '../support/staging.ts'

const devices = (fileName: string, rest: object = {}): NotebookInput => ({
  inputType: 'deviceMetadata',
  fileName,
  queryJson: '{}',
  ...rest,
})
const CONTEXT_TEXT = '{"name": "a"}'

async function stage(t: Parameters<typeof openTestDatabase>[0], inputs: NotebookInput[], text?: string) {
  const db = await openTestDatabase(t)
  const context = { ctx: { name: 'a', dir: '../b', long: 'x'.repeat(300) }, globals: {} }
  const staging = await makeStaging(t, db, (await makeApplication(db)).id, { context })
  const staged = await stageInputs(inputs, text, staging.folder, staging, 'executions/e1/1')
  const { info, failure } = await staged.kept
  assert.equal(failure, undefined)
  return { staging, failure: staged.failure, info, files: (await readdir(staging.folder)).sort() }
}

test('every input is a file under its rendered name, beside the context to the letter', async (t) => {
  const { staging, failure, files, info } = await stage(
    t,
    [devices('{{ctx.name}}.csv'), devices('b.json', { format: 'json' })],
    CONTEXT_TEXT,
  )
  assert.equal(failure, undefined)
  assert.deepEqual(files, ['a.csv', 'b.json', 'context.json'])
  assert.equal(await readFile(join(staging.folder, 'context.json'), 'utf8'), CONTEXT_TEXT)
  assert.deepEqual(
    Object.entries(info).map(([name, { contentType, size }]) => [name, contentType, size > 0]),
    [
      ['a.csv', 'text/csv', true],
      ['b.json', 'application/json', true],
    ],
  )
})

test('without a context there is no file of it', async (t) => {
  assert.deepEqual((await stage(t, [devices('a.csv')])).files, ['a.csv'])
})

const refused: [fileName: string, reason: RegExp][] = [
  ['{{ctx.dir}}.csv', /^Input "\{\{ctx\.dir\}\}\.csv" \(deviceMetadata\): its file name renders to "\.\.\/b\.csv"/],
  ['{{ctx.none}}', /renders to ""/],
  ['{{ctx.long}}', /1 to 255 letters/],
  ['{{lower "CONTEXT.JSON"}}', /its file name "context\.json" is taken by another input$/],
  ['{{ctx.name}}.csv', /its file name "a\.csv" is taken by another input$/],
  ['{{upper}', /Expecting/],
]
for (const [fileName, reason] of refused) {
  test(`an input named ${fileName} fails, and the others' files stay`, async (t) => {
    const { failure, files, info } = await stage(t, [devices('a.csv'), devices(fileName), devices('z.csv')])
    assert.equal(failure?.name, 'InputFailed')
    assert.equal(failure.input, fileName)
    assert.match(failure.message, reason)
    assert.deepEqual(files, ['a.csv', 'z.csv'])
    assert.deepEqual(Object.keys(info), ['a.csv', 'z.csv'])
  })
}

test('the first input that fails, in the order of the notebook, is the one that is named', async (t) => {
  const { failure } = await stage(t, [
    devices('a.csv'),
    devices('slow.csv', { queryJson: '{"name": ' }),
    devices('../b.csv'),
  ])
  assert.equal(failure?.input, 'slow.csv')
  assert.match(failure.message, /^Input "slow\.csv" \(deviceMetadata\): queryJson must be JSON/)
})

test('a DuckDB that is killed while an input is made is started again, and the input made anew', async (t) => {
  const db = await openTestDatabase(t)
  const { id: applicationId } = await makeApplication(db)
  const staging = await makeStaging(t, db, applicationId)
  const { duckdb } = staging
  let asked = 0
  const killedOnce: typeof duckdb = {
    ...duckdb,
    toParquet: (...wanted) => {
      asked += 1
      if (asked > 1) return duckdb.toParquet(...wanted)
      return duckdb.session(staging.signal, async (duck) => {
        process.kill(duckdb.pid ?? 0, 'SIGKILL')
        await duck.run('select 1')
      })
    },
  }
  const staged = await stageInputs(
    [devices('a.parquet')],
    undefined,
    staging.folder,
    { ...staging, duckdb: killedOnce },
    'executions/e1/1',
  )
  await staged.kept
  assert.deepEqual([staged.failure, asked], [undefined, 2])
  assert.deepEqual(await readdir(staging.folder), ['a.parquet'])
})
