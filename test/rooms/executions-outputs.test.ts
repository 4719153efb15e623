/** Outputs of runs that end at the same time, directories among them, and what is told of columns that a table does not have. */

import assert from 'node:assert/strict'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import test from 'node:test'
import type { DirectoryOutput, FileOutput, NotebookOutput } from '../../contract/notebook-files.ts'
import { createFile } from '../../server/catalog/files/create.ts'
import { listFiles } from '../../server/catalog/files/find.ts'
import { pathIn } from '../../server/catalog/files/paths.ts'
import { placeFile } from '../../server/catalog/files/place.ts'
import { finishExecution } from '../../server/executions/finish.ts'
import { cancelExecution, getExecution } from '../../server/executions/store.ts'
import { newId } from '../../server/ground/ids.ts'
import type { Blobs } from '../../server/stores/blobs/blobs.ts'
import type { Database } from '../../server/stores/postgres/database.ts'
import { column, makeApplication, makeEnding, makeNotebook, makeTable } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'
import { untilBlocked } from '../support/until.ts'

const file = (fileName: string): FileOutput => ({
  outputType: 'file',
  fileName,
  destinationFileNameTemplate: fileName,
  destinationDirectoryTemplate: `/for ${fileName}`,
})

const directory = (rest: Partial<DirectoryOutput> = {}): DirectoryOutput => ({
  outputType: 'directory',
  directoryName: 'charts',
  destinationDirectoryTemplate: '/reports/{{ctx.month}}',
  ...rest,
})

const context = { ctx: { month: '05' }, globals: {} }

/** Files with their sizes, and directories, of one tree. */
async function treeOf(db: Database, applicationId: string, isPrivate = false): Promise<Record<string, number | null>> {
  const { items } = await listFiles(db, { applicationId, private: isPrivate }, { perPage: '1000' })
  const paths = items.map((row): [string, number | null] => [pathIn(row.parent_directory, row.name), row.size_bytes])
  return Object.fromEntries(paths.sort(([a], [b]) => (a < b ? -1 : 1)))
}

async function writeTree(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
}

/** A file that somebody made before. */
const placeOld = (db: Database, applicationId: string, directoryOf: string, name: string) =>
  db.transaction((tx) =>
    placeFile(tx, {
      applicationId,
      private: false,
      notebookId: newId(),
      directory: directoryOf,
      name,
      blobKey: `files/${applicationId}/${newId()}`,
      sizeBytes: 1,
      contentType: 'text/plain',
    }),
  )

test('runs that place the same files and fill the same tables in opposite order all complete', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const { id: applicationId } = await makeApplication(db)
  const tables = [await makeTable(db, [column('n')], { applicationId, name: 'a' })]
  tables.push(await makeTable(db, [column('n')], { applicationId, name: 'b' }))
  const names = Array.from({ length: 30 }, (_, index) => `${index}.txt`)
  const outputs: NotebookOutput[] = [
    ...names.map(file),
    ...tables.map(({ id }): NotebookOutput => ({ outputType: 'dataTable', fileName: 'n.csv', dataTableId: id })),
    directory(),
  ]
  const written = { ...Object.fromEntries(names.map((name) => [name, name])), 'n.csv': 'n\n1\n' }
  const runs: { finish: () => Promise<unknown>; notebookId: string; executionId: string }[] = []
  for (const order of [outputs, outputs.toReversed(), outputs, outputs.toReversed()]) {
    const notebook = await makeNotebook(db, { applicationId, outputs: order })
    const ending = await makeEnding(t, db, notebook, written)
    await writeTree(join(ending.outputDir, 'charts'), { 'a.svg': 'a', 'b/c.svg': 'c' })
    const finish = () => finishExecution(db, { ...ending, context })
    runs.push({ finish, notebookId: notebook.id, executionId: ending.execution.id })
  }
  const statuses = await Promise.all(runs.map(({ finish }) => finish()))
  const errors = await Promise.all(
    runs.map(async (run) => (await getExecution(db, run.notebookId, run.executionId)).errors),
  )
  assert.deepEqual(errors.flat(), [])
  assert.deepEqual(statuses, ['completed', 'completed', 'completed', 'completed'])
})

test('a run that PostgreSQL ends because of a deadlock ends once more, with everything', async (t) => {
  const db = await openTestDatabase(t)
  const { id: applicationId } = await makeApplication(db)
  for (const name of ['a', 'b']) await placeOld(db, applicationId, `/for ${name}`, name)
  const notebook = await makeNotebook(db, { applicationId, outputs: [file('a'), file('b')] })
  const ending = await makeEnding(t, db, notebook, { a: 'one', b: 'two' })
  const lock = `select from files where name = $1 and type = 'file' for update`
  let finishing: Promise<unknown> = Promise.resolve()
  await db.transaction(async (tx) => {
    await tx.query(`set local deadlock_timeout = '1min'`) // so that it is not this transaction that is ended
    await tx.query(lock, ['b'])
    finishing = finishExecution(db, ending)
    await untilBlocked(db)
    await tx.query(lock, ['a'])
  })
  assert.equal(await finishing, 'completed')
  assert.deepEqual((await getExecution(db, notebook.id, ending.execution.id)).errors, [])
  assert.deepEqual(await treeOf(db, applicationId), { '/for a': null, '/for a/a': 3, '/for b': null, '/for b/b': 3 })
})

test('a directory is placed with its empty folders, replaces files of the same path, and leaves others alone', async (t) => {
  const db = await openTestDatabase(t)
  const { id: applicationId } = await makeApplication(db)
  await placeOld(db, applicationId, '/reports/05', 'a.svg')
  await placeOld(db, applicationId, '/reports/05', 'other.svg')
  const outputs: NotebookOutput[] = [
    directory(),
    directory({ destinationPrivate: true, destinationDirectoryTemplate: '/' }),
  ]
  const notebook = await makeNotebook(db, { applicationId, outputs })
  const ending = await makeEnding(t, db, notebook, {})
  await writeTree(join(ending.outputDir, 'charts'), { 'a.svg': 'aaa', 'deep/er/b.csv': 'bb' })
  await mkdir(join(ending.outputDir, 'charts', 'empty'))
  assert.equal(await finishExecution(db, { ...ending, context }), 'completed')
  assert.deepEqual(await treeOf(db, applicationId), {
    '/reports': null,
    '/reports/05': null,
    '/reports/05/a.svg': 3,
    '/reports/05/deep': null,
    '/reports/05/deep/er': null,
    '/reports/05/deep/er/b.csv': 2,
    '/reports/05/empty': null,
    '/reports/05/other.svg': 1,
  })
  assert.deepEqual(await treeOf(db, applicationId, true), {
    '/a.svg': 3,
    '/deep': null,
    '/deep/er': null,
    '/deep/er/b.csv': 2,
    '/empty': null,
  })
  const { outputInfo } = await getExecution(db, notebook.id, ending.execution.id)
  const shown = Object.entries(outputInfo).map(([name, { size, contentType }]) => [name, size, contentType])
  assert.deepEqual(shown.sort(), [
    ['charts/a.svg', 3, 'image/svg+xml'],
    ['charts/deep/er/b.csv', 2, 'text/csv'],
    ['result.log', 7, 'text/plain'],
  ])
  const authors = await db.query<{ author_type: string }>(
    `select distinct author_type from files where application_id = $1 and name <> 'other.svg'`,
    [applicationId],
  )
  assert.deepEqual(authors, [{ author_type: 'notebook' }])
})

test('what a directory can’t place or take is named, and the rest of it is stored', async (t) => {
  const db = await openTestDatabase(t)
  const { id: applicationId, ownerId } = await makeApplication(db)
  const tree = { applicationId, private: false }
  const author = { type: 'user', id: ownerId } as const
  await createFile(db, tree, { name: 'taken', parentDirectory: '/reports/05', type: 'directory' }, author, 'file')
  await placeOld(db, applicationId, '/reports/05', 'blocks')
  const notebook = await makeNotebook(db, { applicationId, outputs: [directory(), file('last.txt')] })
  const ending = await makeEnding(t, db, notebook, { 'last.txt': 'l' })
  const charts = join(ending.outputDir, 'charts')
  await writeTree(charts, { taken: 'x', 'blocks/below/c': 'c', good: 'g', 'in/good': 'g' })
  await symlink('/etc/passwd', join(charts, 'in', 'link'))
  assert.equal(await finishExecution(db, { ...ending, context }), 'errored')
  const { errors } = await getExecution(db, notebook.id, ending.execution.id)
  const before = 'Output "charts" (directory):'
  assert.deepEqual(
    errors.map(({ message }) => message),
    [
      `${before} one of its files or folders was left out: "in/link": it is a symbolic link; only plain files are taken from OUTPUT_DIR`,
      `${before} 2 of its files and folders were left out: "/reports/05/blocks" is a file, so nothing can be put below it; "/reports/05/taken" is a directory`,
    ],
  )
  assert.deepEqual(Object.keys(await treeOf(db, applicationId)), [
    '/for last.txt',
    '/for last.txt/last.txt',
    '/reports',
    '/reports/05',
    '/reports/05/blocks',
    '/reports/05/good',
    '/reports/05/in',
    '/reports/05/in/good',
    '/reports/05/taken',
  ])
  // Four with a content in the tree: those of files that were refused are gone.
  assert.equal(await countBlobs(ending.blobs, 'files'), 3)
})

async function countBlobs(blobs: Blobs, prefix: string): Promise<number> {
  let count = 0
  for await (const _ of blobs.list(prefix)) count += 1
  return count
}

test('a directory whose destination is a file is refused as a whole', async (t) => {
  const db = await openTestDatabase(t)
  const notebook = await makeNotebook(db, { outputs: [directory({ destinationDirectoryTemplate: '/good.txt/below' })] })
  await placeOld(db, notebook.applicationId, '/', 'good.txt')
  const ending = await makeEnding(t, db, notebook, {})
  await writeTree(join(ending.outputDir, 'charts'), { a: 'a' })
  assert.equal(await finishExecution(db, ending), 'errored')
  const { errors } = await getExecution(db, notebook.id, ending.execution.id)
  assert.match(errors[0]?.message ?? '', /: "\/good\.txt" is a file, so nothing can be put below it$/)
  assert.deepEqual(await treeOf(db, notebook.applicationId), { '/good.txt': 1 })
  assert.equal(await countBlobs(ending.blobs, 'files'), 0)
})

test('a run that is canceled while it ends places no directory', async (t) => {
  const db = await openTestDatabase(t)
  const notebook = await makeNotebook(db, { outputs: [directory()] })
  const ending = await makeEnding(t, db, notebook, {})
  await writeTree(join(ending.outputDir, 'charts'), { a: 'a' })
  await cancelExecution(db, notebook.id, ending.execution.id)
  assert.equal(await finishExecution(db, { ...ending, context }), 'canceled')
  assert.deepEqual(await treeOf(db, notebook.applicationId), {})
  assert.equal(await countBlobs(ending.blobs, 'files'), 0)
})

test('a thousand files of a directory are placed, and replaced by the next run', async (t) => {
  const db = await openTestDatabase(t)
  const notebook = await makeNotebook(db, { outputs: [directory()] })
  const files = Object.fromEntries(Array.from({ length: 2100 }, (_, index) => [`${index % 10}/${index}.txt`, 'x']))
  const first = await makeEnding(t, db, notebook, {})
  await writeTree(join(first.outputDir, 'charts'), files)
  assert.equal(await finishExecution(db, { ...first, context }), 'completed')
  const second = await makeEnding(t, db, notebook, {})
  await writeTree(join(second.outputDir, 'charts'), files)
  assert.equal(await finishExecution(db, { ...second, blobs: first.blobs, context }), 'completed')
  const counted = await db.one<{ files: number }>(`select count(*)::int as files from files where type = 'file'`)
  assert.equal(counted?.files, 2100)
  assert.equal(await countBlobs(first.blobs, 'files'), 2100)
})

test('columns that a table does not have are counted and named in the warnings of the run', async (t) => {
  const db = await openTestDatabase(t)
  const table = await makeTable(db, [column('n')])
  const output: NotebookOutput = { outputType: 'dataTable', fileName: 'n.csv', dataTableId: table.id }
  const warningsOf = async (header: string) => {
    const notebook = await makeNotebook(db, { applicationId: table.applicationId, outputs: [output] })
    const ending = await makeEnding(t, db, notebook, { 'n.csv': `${header}\n${header.replace(/[^,]+/g, '1')}\n` })
    assert.equal(await finishExecution(db, ending), 'completed')
    return (await getExecution(db, notebook.id, ending.execution.id)).metrics?.warnings ?? []
  }
  const told = 'Output "n.csv" (dataTable):'
  assert.deepEqual(await warningsOf('n'), [])
  assert.deepEqual(await warningsOf('id,n,x\u0000y'), [
    `${told} One column of the file is not in data table "readings", and ignored: "x\\u0000y"`,
  ])
  assert.deepEqual(await warningsOf('b,n,a'), [
    `${told} 2 columns of the file are not in data table "readings", and ignored: "b", "a"`,
  ])
  const many = Array.from({ length: 500 }, (_, index) => `c${index}`).join(',')
  const [long = ''] = await warningsOf(many)
  assert.match(long, /^.* 500 columns of the file are .* ignored: "c0", "c1", .*"c19" and 480 more$/)
})
