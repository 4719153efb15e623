/** CSV files into data tables: what is taken, what is made of it, and what is undone when a value can't be stored. */

import assert from 'node:assert/strict'
import { readdir, readlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { DataTableColumn } from '../../contract/data-tables.ts'
import { type CsvImport, type ImportResult, importCsv } from '../../server/catalog/csv-import.ts'
import { getDataTable, openTable } from '../../server/catalog/data-tables.ts'
import { listRows } from '../../server/catalog/rows.ts'
import { column, makeFolder, makeTable } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

/** A table and a way to import text into it; rows and columns as the API shows them. */
async function openImport(t: TestContext, columns: DataTableColumn[]) {
  const db = await openTestDatabase(t)
  const { id, applicationId } = await makeTable(db, columns)
  const file = join(await makeFolder(t), 'rows.csv')
  const take = async (content: string | Uint8Array, options: Partial<CsvImport> = {}): Promise<ImportResult> => {
    await writeFile(file, content)
    const { signal } = new AbortController()
    return db.transaction(async (tx) => {
      const table = await openTable(tx, applicationId, id, { lock: true })
      return importCsv(tx, table, { file, createMissingColumns: false, truncate: false, signal, ...options })
    })
  }
  const rows = async () => {
    const { items } = await listRows(db, applicationId, id, {})
    return items.map(({ id: _, createdAt: __, updatedAt: ___, ...values }) => values)
  }
  const columnsNow = async () => (await getDataTable(db, applicationId, id)).columns
  return { take, rows, columnsNow, file }
}

const THREE = [column('name'), column('n', 'number'), column('ok', 'boolean')]

async function openFiles(): Promise<string[]> {
  const fds = await readdir('/proc/self/fd')
  return Promise.all(fds.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')))
}

const taken: [string, string | Uint8Array, object[]][] = [
  ['values of every type', 'name,n,ok\na,-1.5e3,true\nb, 7 ,0\n', [row('a', -1500, true), row('b', 7, false)]],
  ['columns in another order', 'ok,name,n\nFalse,a,1\n', [row('a', 1, false)]],
  ['a byte order mark', '\uFEFFname,n,ok\na,1,1\n', [row('a', 1, true)]],
  ['lines that end with CRLF', 'name,n,ok\r\na,1,1\r\nb,2,0\r\n', [row('a', 1, true), row('b', 2, false)]],
  ['no newline at the end', 'name,n,ok\na,1,1', [row('a', 1, true)]],
  ['newlines, quotes and commas within quotes', 'name,n,ok\n"a\r\nb ""c"", d",1,1\n', [row('a\r\nb "c", d', 1, true)]],
  ['cells that are empty', 'name,n,ok\n,,\n"",1,\n', [row(null, null, null), row(null, 1, null)]],
  ['empty lines', '\nname,n,ok\n\na,1,1\n\n\nb,2,0\n\n', [row('a', 1, true), row('b', 2, false)]],
  [
    'backslashes, tabs and what COPY means by null and end',
    'name\n\\\n"\t"\n\\N\n\\.\n',
    names('\\', '\t', '\\N', '\\.'),
  ],
  ['text beyond ASCII', 'name\nκόσμε 🌍\n', names('κόσμε 🌍')],
  ['bytes that are no text', Buffer.from('name\na\u0000b\n\xff\n', 'latin1'), names('ab', '\uFFFD')],
  ['only a header', 'name,n,ok\n', []],
  ['columns every row has by itself', 'id,createdAt,updatedAt,name\n1,yesterday,today,a\n', names('a')],
]
for (const [what, text, expected] of taken) {
  test(`an import takes ${what}`, async (t) => {
    const { take, rows } = await openImport(t, THREE)
    const result = await take(text)
    assert.deepEqual(await rows(), expected)
    assert.deepEqual(result, { rows: expected.length, ignoredColumns: [] })
  })
}

function row(name: string | null, n: number | null, ok: boolean | null) {
  return { name, n, ok }
}
function names(...values: string[]) {
  return values.map((name) => row(name, null, null))
}

const refused: [string, string, RegExp][] = [
  ['an empty file', '', /^The file is empty/],
  ['a header with one name twice', 'name,n,name\na,1,b\n', /^The header names column "name" twice$/],
  ['text in a number column', 'name,n\na,1\nb,two\nc,x\n', /^Row 2, column "n": "two" is not a number$/],
  ['a word that is no boolean', 'ok\ntrue\nconstructor\n', /^Row 2, column "ok": "constructor" is not a boolean$/],
  ['a number that is none to a computer', 'n\n1e999\n', /^Row 1, column "n": "1e999" is not a number$/],
  ['a long value', `n\n${'x'.repeat(500)}\n`, /^Row 1, column "n": "x{100}…" is not a number$/],
  ['a row that is short', 'name,n\na,1\nb\n', /^Row 2 has 1 cells, the header has 2$/],
  ['a row that is long', 'name,n\na,1,\n', /^Row 1 has 3 cells, the header has 2$/],
  ['a quote that is never closed', 'name,n\n"a,1\nb,2\n', /quote/i],
  ['a quote in the middle of a cell', 'name,n\na"b,1\n', /quote/i],
]
for (const [what, text, message] of refused) {
  test(`${what} is refused in words, and what was to be truncated is still there`, async (t) => {
    const { take, rows } = await openImport(t, THREE)
    await take('name,n,ok\nold,1,true\n')
    await assert.rejects(take(text, { truncate: true }), { kind: 'invalid', message })
    assert.deepEqual(await rows(), [row('old', 1, true)])
  })
}

test('a canceled import and a file that is not there fail like any other, and no file stays open', async (t) => {
  const { take, rows, file } = await openImport(t, THREE)
  const lines = Array.from({ length: 20_000 }, (_, index) => `a,${index},1`).join('\n')
  await assert.rejects(take(`name,n,ok\n${lines}\n`, { signal: AbortSignal.abort() }), { name: 'AbortError' })
  await assert.rejects(take('name\na\n', { file: `${file}.missing` }), { code: 'ENOENT' })
  await assert.rejects(take(`name,n,ok\na,x,1\n${lines}\n`), { kind: 'invalid' })
  assert.deepEqual(await rows(), [])
  await take(`name,n,ok\n${lines}\n`)
  // Closing ends a moment after reading; a file that stays open keeps this test until its time is over.
  while ((await openFiles()).includes(file)) await pause(5)
})

test('truncating replaces the rows, not truncating appends to them', async (t) => {
  const { take, rows } = await openImport(t, [column('n', 'number', { constraint: 'unique' })])
  await take('n\n1\n2\n')
  await take('n\n3\n')
  assert.deepEqual(await rows(), [{ n: 1 }, { n: 2 }, { n: 3 }])
  await take('n\n3\n', { truncate: true })
  assert.deepEqual(await rows(), [{ n: 3 }])
  await take('n\n', { truncate: true })
  assert.deepEqual(await rows(), [])
})

test('unknown columns are ignored and named, unless they are to be made', async (t) => {
  const { take, rows, columnsNow } = await openImport(t, [column('name')])
  const text = 'x,name,flag,id\n1,a,true,9\n2.5,b,,9\n'
  assert.deepEqual(await take(text), { rows: 2, ignoredColumns: ['x', 'flag'] })
  assert.deepEqual(await rows(), [{ name: 'a' }, { name: 'b' }])
  const made = { createMissingColumns: true, truncate: true }
  assert.deepEqual(await take(text, made), { rows: 2, ignoredColumns: [] })
  assert.deepEqual(await columnsNow(), [column('name'), column('x', 'number'), column('flag', 'boolean')])
  assert.deepEqual(await rows(), [
    { name: 'a', x: 1, flag: true },
    { name: 'b', x: 2.5, flag: null },
  ])
})
