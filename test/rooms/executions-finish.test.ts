/** The end of an execution: everything becomes visible together, once, for the holder only, and nothing is left lying about. */

import assert from 'node:assert/strict'
import { readdir, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import type { FileOutput, NotebookOutput } from '../../contract/notebook-files.ts'
import { listFiles } from '../../server/catalog/files/find.ts'
import { listRows } from '../../server/catalog/rows.ts'
import { canceled, type Failure, runTimeout } from '../../server/executions/causes.ts'
import { finishExecution } from '../../server/executions/finish.ts'
import { takeBack } from '../../server/executions/leases.ts'
import { canBecome } from '../../server/executions/lifecycle.ts'
import { cancelExecution, getExecution } from '../../server/executions/store.ts'
import type { Database } from '../../server/stores/postgres/database.ts'
import { column, makeClaim, makeEnding, makeNotebook, makeTable } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'
import { untilBlocked } from '../support/until.ts'

const file = (fileName: string, path = fileName): FileOutput => ({
  outputType: 'file',
  fileName,
  destinationFileNameTemplate: path,
})
const result: NotebookOutput = { outputType: 'executionResult', fileName: 'result.log' }

/** Keys of all blobs below a prefix, sorted. */
async function blobsBelow(root: string, prefix: string): Promise<string[]> {
  const found = await readdir(join(root, prefix), { recursive: true, withFileTypes: true }).catch(() => [])
  return found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

const namesIn = async (db: Database, applicationId: string) =>
  (await listFiles(db, { applicationId, private: false }, {})).items.map(({ name }) => name).sort()

test('outputs, files and the final status become visible at the same moment', async (t) => {
  const db = await openTestDatabase(t)
  const table = await makeTable(db, [column('name')])
  const { applicationId, id: dataTableId } = table
  const outputs: NotebookOutput[] = [file('a.txt'), { outputType: 'dataTable', fileName: 'rows.csv', dataTableId }]
  const notebook = await makeNotebook(db, { applicationId, outputs })
  const ending = await makeEnding(t, db, notebook, { 'a.txt': 'text', 'rows.csv': 'name\nx\ny\n' })
  const seen = async () => {
    const { status, outputInfo } = await getExecution(db, notebook.id, ending.execution.id)
    const { totalCount } = await listRows(db, applicationId, dataTableId, {})
    return { status, files: await namesIn(db, applicationId), rows: totalCount, info: Object.keys(outputInfo).sort() }
  }
  let finishing: Promise<unknown> = Promise.resolve()
  await db.transaction(async (tx) => {
    await tx.query('select from data_tables where id = $1 for update', [dataTableId])
    finishing = finishExecution(db, ending)
    await untilBlocked(db)
    assert.deepEqual(await seen(), { status: 'inProgress', files: [], rows: 0, info: [] })
  })
  assert.equal(await finishing, 'completed')
  const info = ['a.txt', 'result.log', 'rows.csv']
  assert.deepEqual(await seen(), { status: 'completed', files: ['a.txt'], rows: 2, info })
})

test('a holder whose attempt is over writes nothing and leaves no blob behind', async (t) => {
  const db = await openTestDatabase(t)
  const notebook = await makeNotebook(db, { outputs: [file('a.txt'), result] })
  const ending = await makeEnding(t, db, notebook, { 'a.txt': 'old' })
  await takeBack(db, [ending.execution])
  const current = await makeClaim(db)
  assert.equal(await finishExecution(db, ending), undefined)
  const { status, outputInfo } = await getExecution(db, notebook.id, current.id)
  assert.deepEqual([status, outputInfo], ['inProgress', {}])
  assert.deepEqual(await namesIn(db, notebook.applicationId), [])
  assert.deepEqual(await blobsBelow(ending.blobRoot, '.'), [])
})

/** The same database, whose connection breaks once: in the transaction before it is committed, or just after. */
function breakingOnce(db: Database, when: 'before the commit' | 'after the commit'): Database {
  let isBroken = false
  const breakConnection = () => {
    isBroken = true
    throw new Error('Connection terminated unexpectedly')
  }
  return {
    ...db,
    transaction: async (work, options) => {
      const result = await db.transaction(async (tx) => {
        const done = await work(tx)
        if (!isBroken && when === 'before the commit') breakConnection()
        return done
      }, options)
      if (!isBroken) breakConnection()
      return result
    },
  }
}

for (const when of ['before the commit', 'after the commit'] as const) {
  test(`an end whose connection broke ${when} is there once, with its files and nothing more`, async (t) => {
    const db = await openTestDatabase(t)
    const table = await makeTable(db, [column('name')])
    const { applicationId, id: dataTableId } = table
    const outputs: NotebookOutput[] = [file('a.txt'), { outputType: 'dataTable', fileName: 'rows.csv', dataTableId }]
    const notebook = await makeNotebook(db, { applicationId, outputs })
    const ending = await makeEnding(t, db, notebook, { 'a.txt': 'text', 'rows.csv': 'name\nx\n' })
    assert.equal(await finishExecution(breakingOnce(db, when), ending), 'completed')
    assert.equal((await getExecution(db, notebook.id, ending.execution.id)).status, 'completed')
    assert.deepEqual(await namesIn(db, applicationId), ['a.txt'])
    assert.equal((await listRows(db, applicationId, dataTableId, {})).totalCount, 1)
    // The file, its copy among the application files, the rows and the log.
    assert.equal((await blobsBelow(ending.blobRoot, '.')).length, 4)
  })
}

test('an execution finishes once, and not after it was deleted', async (t) => {
  const db = await openTestDatabase(t)
  const notebook = await makeNotebook(db, { outputs: [file('a.txt')] })
  const ending = await makeEnding(t, db, notebook, { 'a.txt': 'text' })
  assert.equal(await finishExecution(db, ending), 'completed')
  const failure: Failure = { name: 'KernelDied', message: 'too late' }
  assert.equal(await finishExecution(db, { ...ending, failure, prefix: 'executions/late/1' }), undefined)
  assert.deepEqual((await getExecution(db, notebook.id, ending.execution.id)).errors, [])
  const second = await makeEnding(t, db, notebook, { 'a.txt': 'text' })
  await db.query('delete from executions where id = $1', [second.execution.id])
  assert.equal(await finishExecution(db, second), undefined)
  assert.deepEqual(await blobsBelow(second.blobRoot, '.'), [])
})

test('an output that fails undoes only itself: the others are stored, its blob is gone, the failure is named', async (t) => {
  const db = await openTestDatabase(t)
  const table = await makeTable(db, [column('n', 'number')])
  const { applicationId, id: dataTableId } = table
  const outputs: NotebookOutput[] = [
    file('good.txt'),
    file('bad.txt', 'good.txt/below'),
    { ...file('worse.txt'), destinationDirectoryTemplate: '/good.txt' },
    { outputType: 'dataTable', fileName: 'rows.csv', dataTableId },
    file('missing.txt'),
    file('last.txt'),
  ]
  const notebook = await makeNotebook(db, { applicationId, outputs })
  const written = { 'good.txt': 'g', 'bad.txt': 'b', 'worse.txt': 'w', 'rows.csv': 'n\n1\nx\n', 'last.txt': 'l' }
  const ending = await makeEnding(t, db, notebook, written)
  assert.equal(await finishExecution(db, ending), 'errored')
  const { errors } = await getExecution(db, notebook.id, ending.execution.id)
  const told = errors.map(({ message }) => message.split(':')[0]).sort()
  assert.deepEqual(told, [
    'Output "bad.txt" (file)',
    'Output "missing.txt" (file)',
    'Output "rows.csv" (dataTable)',
    'Output "worse.txt" (file)',
  ])
  assert.deepEqual(await namesIn(db, applicationId), ['good.txt', 'last.txt'])
  assert.equal((await listRows(db, applicationId, dataTableId, {})).totalCount, 0)
  assert.equal((await blobsBelow(ending.blobRoot, 'files')).length, 2)
})

test('outputs together have a size they may not exceed, and the one too many is named', async (t) => {
  const db = await openTestDatabase(t)
  const notebook = await makeNotebook(db, { outputs: [file('a'), file('a', 'again'), file('big'), file('c')] })
  const ending = await makeEnding(t, db, notebook, { a: 'x'.repeat(6), big: '', c: 'x'.repeat(4) })
  await truncate(join(ending.outputDir, 'big'), 2 ** 40) // sparse: it takes no disk there
  assert.equal(await finishExecution(db, { ...ending, maxBytes: 10 }), 'errored')
  const { errors } = await getExecution(db, notebook.id, ending.execution.id)
  assert.equal(errors.length, 1)
  assert.match(errors[0]?.message ?? '', /^Output "big" \(file\): with it the outputs would have more than 10 bytes/)
  assert.deepEqual(await namesIn(db, notebook.applicationId), ['a', 'again', 'c'])
})

test('an output’s name may render to nothing outside of OUTPUT_DIR', async (t) => {
  const db = await openTestDatabase(t)
  const outputs = ['{{ctx.up}}', '{{ctx.down}}', '{{ctx.none}}'].map((name) => file(name, 'taken.txt'))
  const notebook = await makeNotebook(db, { outputs })
  const ending = await makeEnding(t, db, notebook, {})
  const context = { ctx: { up: '../result.log', down: 'a/b' } }
  assert.equal(await finishExecution(db, { ...ending, context }), 'errored')
  const { errors } = await getExecution(db, notebook.id, ending.execution.id)
  const told = errors.map(({ message }) => /its file name renders to "(.*)"; allowed/.exec(message)?.[1])
  assert.deepEqual(told, ['../result.log', 'a/b', ''])
  assert.deepEqual(await namesIn(db, notebook.applicationId), [])
})

test('when the transaction fails at its very end, nothing is written and the placed file’s blob goes', async (t) => {
  const db = await openTestDatabase(t)
  const notebook = await makeNotebook(db, { outputs: [file('a.txt')] })
  const ending = await makeEnding(t, db, notebook, { 'a.txt': 'text' })
  await db.query(`
    create function refuse() returns trigger language plpgsql as $$ begin raise 'the disk is full'; end $$;
    create constraint trigger refuse after update on executions deferrable initially deferred
      for each row execute function refuse()`)
  await assert.rejects(finishExecution(db, ending), /the disk is full/)
  const { status, outputInfo } = await getExecution(db, notebook.id, ending.execution.id)
  assert.deepEqual([status, outputInfo], ['inProgress', {}])
  assert.deepEqual(await namesIn(db, notebook.applicationId), [])
  assert.deepEqual(await blobsBelow(ending.blobRoot, 'files'), [])
})

test('a file that is written again replaces the old one, whose blob goes', async (t) => {
  const db = await openTestDatabase(t)
  const notebook = await makeNotebook(db, { outputs: [file('a.txt')] })
  const first = await makeEnding(t, db, notebook, { 'a.txt': 'one' })
  await finishExecution(db, first)
  const second = await makeEnding(t, db, notebook, { 'a.txt': 'three' })
  const { blobs, blobRoot } = first
  await finishExecution(db, { ...second, blobs })
  const page = await listFiles(db, { applicationId: notebook.applicationId, private: false }, {})
  assert.deepEqual(
    page.items.map(({ name, size_bytes }) => [name, size_bytes]),
    [['a.txt', 5]],
  )
  assert.equal((await blobsBelow(blobRoot, 'files')).length, 1)
})

test('a file that is called like a result of the run is another one, and both are there', async (t) => {
  const db = await openTestDatabase(t)
  const outputs: NotebookOutput[] = [
    { outputType: 'temporaryUrl', fileName: 'result.log' },
    file('result.log', 'a.txt'),
  ]
  const notebook = await makeNotebook(db, { outputs })
  const ending = await makeEnding(t, db, notebook, { 'result.log': 'of the notebook' })
  assert.equal(await finishExecution(db, ending), 'completed')
  const { outputInfo } = await getExecution(db, notebook.id, ending.execution.id)
  const texts = Object.entries(outputInfo).map(async ([name, { key }]) => [name, String(await ending.blobs.read(key))])
  assert.deepEqual(Object.fromEntries(await Promise.all(texts)), {
    'result.log': 'printed',
    'OUTPUT_DIR/result.log': 'of the notebook',
  })
  const [placed] = (await listFiles(db, { applicationId: notebook.applicationId, private: false }, {})).items
  assert.equal(placed?.size_bytes, 'of the notebook'.length)
})

test('a file may have any name the contract allows, those of object properties too', async (t) => {
  const db = await openTestDatabase(t)
  const names = ['constructor', '__proto__', 'toString', '...']
  const outputs = names.map((fileName): NotebookOutput => ({ outputType: 'temporaryUrl', fileName }))
  const notebook = await makeNotebook(db, { outputs })
  const written = Object.fromEntries(names.map((name) => [name, name]))
  const ending = await makeEnding(t, db, notebook, written)
  assert.equal(await finishExecution(db, ending), 'completed')
  const { outputInfo } = await getExecution(db, notebook.id, ending.execution.id)
  assert.deepEqual(Object.keys(outputInfo).sort(), [...names, 'result.log'].sort())
  for (const [name, { key }] of Object.entries(outputInfo)) {
    assert.equal(String(await ending.blobs.read(key)), name === 'result.log' ? 'printed' : name)
  }
})

const failed: Failure = { name: 'CellError', message: 'Cell [1] raised' }
const late = runTimeout('too long')

for (const [what, failure, cancel, status, errors] of [
  ['a cell raised', failed, false, 'errored', ['CellError']],
  ['the time was over', late, false, 'timeout', ['RunTimeout']],
  ['it was canceled', canceled, true, 'canceled', ['Canceled']],
  ['it was canceled while its outputs were awaited', undefined, true, 'canceled', ['Canceled']],
  ['it was canceled after a cell had raised', failed, true, 'errored', ['CellError']],
  ['it was canceled after its time was over', late, true, 'timeout', ['RunTimeout']],
] as const) {
  test(`when ${what}, it ends as ${status} with its result files and no other output`, async (t) => {
    const db = await openTestDatabase(t)
    const destination = { destinationFileNameTemplate: 'printed.txt' }
    const notebook = await makeNotebook(db, { outputs: [file('a.txt'), { ...result, ...destination }] })
    const ending = await makeEnding(t, db, notebook, { 'a.txt': 'text' })
    const { id } = ending.execution
    if (cancel) await cancelExecution(db, notebook.id, id)
    const { status: from } = await getExecution(db, notebook.id, id)
    assert.equal(await finishExecution(db, { ...ending, failure }), status)
    assert.ok(canBecome(from, status), `the life of an execution has no way from ${from} to ${status}`)
    const ended = await getExecution(db, notebook.id, id)
    const names = ended.errors.map(({ name }) => name)
    assert.deepEqual([ended.status, names, Object.keys(ended.outputInfo)], [status, errors, ['result.log']])
    assert.deepEqual(await namesIn(db, notebook.applicationId), ['printed.txt'])
  })
}
