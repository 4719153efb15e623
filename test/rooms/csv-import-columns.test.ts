/** Columns that a CSV import makes or has to obey: guessed types, names, limits, constraints and defaults. */

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import type { DataTableColumn } from '../../contract/data-tables.ts'
import { importCsv } from '../../server/catalog/csv-import.ts'
import { getDataTable, openTable } from '../../server/catalog/data-tables.ts'
import { listRows } from '../../server/catalog/rows.ts'
import { column, makeFolder, makeTable } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

/** A table, and an import that makes missing columns. */
async function openImport(t: TestContext, columns: DataTableColumn[]) {
  const db = await openTestDatabase(t)
  const { id, applicationId } = await makeTable(db, columns)
  const file = join(await makeFolder(t), 'rows.csv')
  const take = async (text: string) => {
    await writeFile(file, text)
    const { signal } = new AbortController()
    return db.transaction(async (tx) =>
      importCsv(tx, await openTable(tx, applicationId, id, { lock: true }), {
        file,
        createMissingColumns: true,
        truncate: false,
        signal,
      }),
    )
  }
  const page = (includeFields: string) => listRows(db, applicationId, id, { includeFields, limit: '10000' })
  const columnsNow = async () => (await getDataTable(db, applicationId, id)).columns
  return { take, page, columnsNow }
}

/** 100,000 is what a year of a five-minute sensor comes to; the whole file is looked at, not a sample of it. */
const MANY = 100_000

test('of 100,000 rows the very last one decides the type, and all of them arrive', async (t) => {
  const { take, page, columnsNow } = await openImport(t, [])
  const lines = Array.from({ length: MANY - 1 }, (_, index) => `${index},${index % 2 === 0},${index}`)
  const { rows } = await take(`number,flag,text\n${lines.join('\n')}\n-1e3,,n/a\n`)
  assert.equal(rows, MANY)
  assert.deepEqual(await columnsNow(), [column('number', 'number'), column('flag', 'boolean'), column('text')])
  assert.equal((await page('number')).totalCount, MANY)
})

test('a bad last row of many undoes the rows and the columns', async (t) => {
  const { take, page, columnsNow } = await openImport(t, [column('n', 'number')])
  const lines = Array.from({ length: MANY }, (_, index) => `${index},x`)
  const message = `Row ${MANY + 1}, column "n": "last" is not a number`
  await assert.rejects(take(`n,made\n${lines.join('\n')}\nlast,x\n`), { kind: 'invalid', message })
  assert.equal((await page('n')).totalCount, 0)
  assert.deepEqual(await columnsNow(), [column('n', 'number')])
})

test('a table has at most 50 columns, those an import makes included', async (t) => {
  const has = Array.from({ length: 48 }, (_, index) => column(`c${index}`))
  const { take, columnsNow } = await openImport(t, has)
  await assert.rejects(take('a,b,c\n1,2,3\n'), { kind: 'invalid', message: /more than 50 columns/ })
  assert.equal((await columnsNow()).length, 48)
  await take('a,b\n1,2\n')
  assert.equal((await columnsNow()).length, 50)
})

const badNames: [string, string, RegExp][] = [
  ['pandas’ index', ',a\n0,1\n', /^Column 1 of the header is named "" \(pandas writes its index there/],
  ['a space', 'a,b c\n0,1\n', /^Column 2 of the header is named "b c"; a column name has 1 to 255 letters/],
  ['an attack', 'a,"x"" int; drop table users; --"\n0,1\n', /^Column 2 of the header/],
  ['256 letters', `${'a'.repeat(256)}\n1\n`, /^Column 1 of the header/],
]
for (const [what, text, message] of badNames) {
  test(`a column is not made of a name with ${what}`, async (t) => {
    const { take, columnsNow } = await openImport(t, [])
    await assert.rejects(take(text), { kind: 'invalid', message })
    assert.deepEqual(await columnsNow(), [])
  })
}

test('columns may differ only in case, and be named as SQL or objects name things', async (t) => {
  const names = ['Select', 'select', 'constructor', '__proto__', 'c1', 'Id', 'a'.repeat(255), `${'a'.repeat(254)}b`]
  const { take, page } = await openImport(t, [])
  await take(`${names.join(',')}\n${names.map((_, index) => index).join(',')}\n`)
  for (const [index, name] of names.entries()) {
    const { items } = await page(name)
    assert.deepEqual(
      items.map((item) => Object.entries(item).at(-1)),
      [[name, index]],
    )
  }
})

test('a column that the file does not have takes its default, an empty cell does not', async (t) => {
  const columns = [
    column('name'),
    column('unit', 'string', { defaultValue: 'kW' }),
    column('n', 'number', { defaultValue: 0, constraint: 'required' }),
  ]
  const { take, page } = await openImport(t, columns)
  await take('name\na\n')
  await take('name,unit,n\nb,,1\n')
  assert.deepEqual(
    (await page('unit')).items.map(({ unit }) => unit),
    ['kW', null],
  )
  await assert.rejects(take('name,n\nc,\n'), { message: 'Row 1, column "n" is empty, but the column is required' })
})

test('a required column without a default has to be in the file', async (t) => {
  const { take } = await openImport(t, [column('name', 'string', { constraint: 'required' })])
  await assert.rejects(take('other\nx\n'), { message: 'Row 1, column "name" is empty, but the column is required' })
})

const twice: [string, string, RegExp][] = [
  ['within the file', 'key\na\nb\na\n', /^Row 3, column "key" is unique, but the value "a" would be there twice$/],
  [
    'with a row of the table',
    'key\nold\n',
    /^Row 1, column "key" is unique, but the value "old" would be there twice$/,
  ],
  [
    'over two lines',
    'key\n"x\ny)"\n"x\ny)"\n',
    /^Row 2, column "key" is unique, but the value "x\ny\)" would be there twice$/,
  ],
]
for (const [where, text, message] of twice) {
  test(`a unique value that is there twice is named: ${where}`, async (t) => {
    const { take, page } = await openImport(t, [column('key', 'string', { constraint: 'unique' })])
    await take('key\nold\n""\n""\n')
    await assert.rejects(take(text), { kind: 'invalid', message })
    assert.equal((await page('key')).totalCount, 3)
  })
}

test('of several bad rows the first one is told, whoever finds it', async (t) => {
  const { take } = await openImport(t, [column('key', 'string', { constraint: 'unique' }), column('n', 'number')])
  const lines = Array.from({ length: 5000 }, (_, index) => `key ${index},${index}`)
  const bad = (row: number, line: string) => lines.with(row - 1, line)
  const text = (rows: string[]) => `key,n\n${rows.join('\n')}\n`
  const twice = /^Row 3333, column "key" is unique, but the value "key 7" would be there twice$/
  await assert.rejects(take(text(bad(3333, 'key 7,1').with(3333, 'x,text'))), { message: twice })
  await assert.rejects(take(text(bad(3333, 'key 7,1').with(3333, '"never closed'))), { message: twice })
  const type = 'Row 3332, column "n": "text" is not a number'
  await assert.rejects(take(text(bad(3333, 'key 7,1').with(3331, 'x,text'))), { message: type })
})

test('a header of half a million names is refused, and none of them looked up first', async (t) => {
  const { take } = await openImport(t, [])
  const header = Array.from({ length: 500_000 }, (_, index) => `c${index}`).join(',')
  // Looking each of them up in the others would take an hour.
  await assert.rejects(take(`${header}\n`), /would have more than 50 columns$/)
})
