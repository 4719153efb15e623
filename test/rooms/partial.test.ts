/** The notebook of a run as far as it has got: from before the first cell until after the end, and after a worker's death. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import test, { type TestContext } from 'node:test'
import { takeBack } from '../../server/executions/leases.ts'
import { keepPartial, openPartial } from '../../server/executions/partial.ts'
import type { Execution } from '../../server/executions/record.ts'
import { recordEnd } from '../../server/executions/store.ts'
import { createLog } from '../../server/ground/log.ts'
import { type Notebook, parseNotebook, serializeNotebook } from '../../server/kernel/notebook.ts'
import type { Blobs } from '../../server/stores/blobs/blobs.ts'
import { openFsBlobs } from '../../server/stores/blobs/fs.ts'
import type { Database } from '../../server/stores/postgres/database.ts'
import { makeCells, makeClaim, makeExecution, makeFolder, UNSEEN } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const QUIET = createLog('silent')

async function open(t: TestContext) {
  const db = await openTestDatabase(t)
  const blobs = await openFsBlobs(join(await makeFolder(t), 'blobs'))
  const { id: notebookId } = await makeCells({ db, blobs }, ['1']).then(async (made) => {
    await makeExecution(db, made)
    return made
  })
  const execution = await makeClaim(db)
  const notebook = parseNotebook(await blobs.read(execution.snapshot.jupyterBlobKey))
  return { db, blobs, notebookId, execution, notebook }
}

const partialOf = async (db: Database, blobs: Blobs, { notebookId, id }: Execution) =>
  JSON.parse(await text(await openPartial(db, blobs, notebookId, id)))

function print(notebook: Notebook, said: string): void {
  const [cell] = notebook.cells
  if (cell?.cell_type === 'code') cell.outputs = [{ output_type: 'stream', name: 'stdout', text: said }]
}

const said = (notebook: { cells: { outputs: { text?: string }[] }[] }) => notebook.cells[0]?.outputs[0]?.text

test('before the first cell it is what was uploaded, while it runs what was kept last', async (t) => {
  const { db, blobs, execution, notebook } = await open(t)
  assert.deepEqual((await partialOf(db, blobs, execution)).cells[0].outputs, [])
  await using partial = keepPartial(blobs, execution, notebook, QUIET)
  for (const word of ['one', 'two']) {
    print(notebook, word)
    partial.changed()
    await until(async () => said(await partialOf(db, blobs, execution)) === word)
  }
})

test('the result takes its place at the end, and what was kept goes', async (t) => {
  const { db, blobs, execution, notebook } = await open(t)
  const partial = keepPartial(blobs, execution, notebook, QUIET)
  print(notebook, 'kept')
  partial.changed()
  await until(async () => said(await partialOf(db, blobs, execution)) === 'kept')
  print(notebook, 'result')
  const result = { key: `executions/${execution.id}/1/outputs/0`, contentType: 'application/x-ipynb+json' }
  const { sizeBytes: size } = await blobs.put(result.key, Buffer.from(serializeNotebook(notebook)))
  await recordEnd(db, execution, 'completed', [], { 'result.ipynb': { ...result, size } }, UNSEEN)
  await partial.drop()
  assert.equal(said(await partialOf(db, blobs, execution)), 'result')
  assert.equal(await blobs.stat(`executions/${execution.id}/1/partial.ipynb`), undefined)
})

test('a run that is over before the first was kept leaves none', async (t) => {
  const { blobs, execution, notebook } = await open(t)
  const partial = keepPartial(blobs, execution, notebook, QUIET)
  print(notebook, 'quick')
  partial.changed()
  await partial.drop()
  assert.equal(await blobs.stat(`executions/${execution.id}/1/partial.ipynb`), undefined)
})

test('when workers die the last notebook that was kept is what is left', async (t) => {
  const { db, blobs, execution, notebook } = await open(t)
  {
    await using partial = keepPartial(blobs, execution, notebook, QUIET)
    print(notebook, 'from the first')
    partial.changed()
    await until(async () => said(await partialOf(db, blobs, execution)) === 'from the first')
  }
  await takeBack(db, [execution])
  const second = await makeClaim(db)
  assert.deepEqual((await partialOf(db, blobs, second)).cells[0].outputs, [], 'the second attempt has not printed yet')
  await takeBack(db, [second])
  await takeBack(db, [await makeClaim(db)])
  assert.equal(said(await partialOf(db, blobs, execution)), 'from the first')
})
