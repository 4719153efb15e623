/** Data tables and their rows: columns checked when made, rows sorted, cut and selected as asked. */

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { importCsv } from '../../server/catalog/csv-import.ts'
import { getDataTable, listDataTables, openTable } from '../../server/catalog/data-tables.ts'
import { listRows } from '../../server/catalog/rows.ts'
import { column, makeApplication, makeFolder, makeTable } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

const refused: [string, Parameters<typeof makeTable>[1], RegExp][] = [
  ['two columns of one name', [column('a'), column('a')], /^dataTable\.columns\.1\.name "a" is taken/],
  [
    'a column named id',
    [column('id')],
    /^dataTable\.columns\.0\.name "id" is taken; .* id, createdAt, updatedAt belong/,
  ],
  ['a column named updatedAt', [column('x'), column('updatedAt')], /^dataTable\.columns\.1\.name "updatedAt" is taken/],
  [
    'text as the default of a number',
    [column('n', 'number', { defaultValue: '1' })],
    /\.0\.defaultValue must be a number/,
  ],
  [
    'a number as the default of a flag',
    [column('b', 'boolean', { defaultValue: 1 })],
    /defaultValue must be a boolean/,
  ],
]
for (const [what, columns, message] of refused) {
  test(`a table with ${what} is refused and leaves nothing`, async (t) => {
    const db = await openTestDatabase(t)
    const { id: applicationId } = await makeApplication(db)
    await assert.rejects(makeTable(db, columns, { applicationId }), { kind: 'invalid', message })
    assert.equal((await listDataTables(db, applicationId, {})).totalCount, 0)
  })
}

test('a table shows its columns as they were asked for, and only to its own application', async (t) => {
  const db = await openTestDatabase(t)
  const columns = [
    column('a', 'string', { constraint: 'unique' }),
    column('A', 'number', { defaultValue: 0, constraint: 'required' }),
    column('constructor', 'boolean', { defaultValue: false }),
  ]
  const made = await makeTable(db, columns)
  assert.deepEqual(made.columns, columns)
  assert.deepEqual(await getDataTable(db, made.applicationId, made.id), made)
  const { id: other } = await makeApplication(db)
  for (const reading of [getDataTable, openTable, (d: typeof db, a: string, id: string) => listRows(d, a, id, {})]) {
    await assert.rejects(reading(db, other, made.id), { kind: 'notFound' })
  }
})

/** A table with rows from CSV, and a way to ask for them. */
async function openRows(t: TestContext, csv: string) {
  const db = await openTestDatabase(t)
  const { id, applicationId } = await makeTable(db, [])
  const file = join(await makeFolder(t), 'rows.csv')
  await writeFile(file, csv)
  const { signal } = new AbortController()
  await db.transaction(async (tx) =>
    importCsv(tx, await openTable(tx, applicationId, id, { lock: true }), {
      file,
      createMissingColumns: true,
      truncate: false,
      signal,
    }),
  )
  const ask = (query: Parameters<typeof listRows>[3]) => listRows(db, applicationId, id, query)
  const values = async (name: string, query: object) =>
    (await ask({ includeFields: name, ...query })).items.map((row) => row[name])
  return { ask, values }
}

test('rows come in the order they were written, or sorted by a column, empty ones last', async (t) => {
  const { values } = await openRows(t, 'n,name\n10,b\n,a\n9,c\n-1,B\n')
  assert.deepEqual(await values('n', {}), [10, null, 9, -1])
  assert.deepEqual(await values('n', { sortDirection: 'DESC' }), [-1, 9, null, 10])
  assert.deepEqual(await values('n', { sortColumn: 'n' }), [-1, 9, 10, null])
  assert.deepEqual(await values('n', { sortColumn: 'n', sortDirection: 'desc' }), [10, 9, -1, null])
  assert.deepEqual((await values('n', { sortColumn: 'createdAt' })).length, 4)
})

test('limit and offset cut the rows, which are counted in all', async (t) => {
  const { ask, values } = await openRows(t, `n\n${Array.from({ length: 30 }, (_, index) => index).join('\n')}\n`)
  assert.deepEqual(await values('n', { limit: '2', offset: '28' }), [28, 29])
  assert.deepEqual(await values('n', { offset: '30' }), [])
  const { count, totalCount, limit, offset } = await ask({ limit: 'x', offset: '-3' })
  assert.deepEqual([count, totalCount, limit, offset], [30, 30, 1000, 0])
})

test('fields are those asked for with the id, or all', async (t) => {
  const { ask } = await openRows(t, 'a,b\n1,true\n')
  const keys = async (includeFields?: string | string[]) =>
    Object.keys((await ask(includeFields === undefined ? {} : { includeFields })).items[0] ?? {})
  assert.deepEqual(await keys(), ['id', 'createdAt', 'updatedAt', 'a', 'b'])
  assert.deepEqual(await keys('b'), ['id', 'b'])
  assert.deepEqual(await keys(['createdAt', 'id', 'a', 'a']), ['id', 'createdAt', 'a'])
  const [row] = (await ask({})).items
  assert.match(
    JSON.stringify(row),
    /^\{"id":"[0-9a-f]{24}","createdAt":"[-\dT:.]+Z","updatedAt":"[-\dT:.]+Z","a":1,"b":true\}$/,
  )
  for (const query of [{ includeFields: ['a', 'c1'] }, { sortColumn: 'c1' }, { sortColumn: 'constructor' }]) {
    await assert.rejects(ask(query), { kind: 'invalid', message: /is not a column of data table "readings"/ })
  }
})
