/** Rows as CSV: what stands in the file for every value, which rows, in which order. */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import type { DataTableColumn } from '../../contract/data-tables.ts'
import type { RowValues } from '../../contract/rows.ts'
import { importCsv } from '../../server/catalog/csv-import.ts'
import { openTable } from '../../server/catalog/data-tables.ts'
import { insertRows } from '../../server/catalog/row-writes.ts'
import { listRows } from '../../server/catalog/rows.ts'
import { exportRows, type RowsWanted } from '../../server/catalog/rows-export.ts'
import { column, makeFolder, makeTable } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

async function openExport(t: TestContext, columns: DataTableColumn[], rows: RowValues[]) {
  const db = await openTestDatabase(t)
  const { id, applicationId } = await makeTable(db, columns)
  const { rowIds, createdAt } = await insertRows(db, applicationId, id, rows)
  const file = join(await makeFolder(t), 'rows.csv')
  const { signal } = new AbortController()
  const write = async (wanted: RowsWanted = {}) => {
    await exportRows(db, { applicationId, dataTableId: id }, wanted, file, signal)
    return readFile(file, 'utf8')
  }
  /** The last column of each row. */
  const lasts = async (wanted: RowsWanted) =>
    (await write(wanted))
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(',').at(-1))
  return { db, applicationId, id, rowIds, createdAt, write, lasts, file, signal }
}

test('every value has its form, quoted only where it must be', async (t) => {
  const long = 'l'.repeat(255)
  const columns = [column('s'), column('n', 'number'), column('b', 'boolean'), column(long)]
  const { write, rowIds, createdAt } = await openExport(t, columns, [
    { s: 'plain', n: 1.5, b: true, [long]: 'x' },
    { s: 'a "b", c\nd', n: -0.1, b: false },
    { s: '', n: 1e21 },
    { s: "it's \\N $1", n: 12345678 },
    {},
  ])
  const times = `${createdAt},${createdAt}`
  assert.equal(
    await write(),
    [
      `id,createdAt,updatedAt,s,n,b,${long}`,
      `${rowIds[0]},${times},plain,1.5,true,x`,
      `${rowIds[1]},${times},"a ""b"", c\nd",-0.1,false,`,
      `${rowIds[2]},${times},"",1e+21,,`,
      `${rowIds[3]},${times},it's \\N $1,12345678,,`,
      `${rowIds[4]},${times},,,,`,
      '',
    ].join('\n'),
  )
})

test('rows are chosen, sorted and cut as wanted, whatever is in the query', async (t) => {
  const words = ['b', 'a', 'c', "x'; drop table users; --", '\\', '$1', '$2']
  const { lasts, write } = await openExport(
    t,
    [column('n', 'number'), column('s')],
    words.map((s, n) => ({ s, n })),
  )
  assert.deepEqual(await lasts({}), words)
  assert.deepEqual(await lasts({ query: { n: { $lt: 3 } }, sortColumn: 's' }), ['a', 'b', 'c'])
  assert.deepEqual(await lasts({ sortColumn: 'n', sortDirection: 'DESC', limit: 2, offset: 1 }), ['$1', '\\'])
  for (const word of words) {
    assert.deepEqual(await lasts({ query: { s: word } }), [word])
    assert.deepEqual(await lasts({ query: { s: { $in: [word, 'none'] }, n: { $gte: 0 } } }), [word])
  }
  assert.equal(await write({ query: { s: 'none' } }), 'id,createdAt,updatedAt,n,s\n')
  await assert.rejects(write({ query: { x: 1 } }), { kind: 'invalid', message: /^query\.x is not a field/ })
  await assert.rejects(write({ sortColumn: 'x' }), {
    message: 'sortColumn "x" is not a column of data table "readings"',
  })
  await assert.rejects(write({ limit: -1 }), { message: 'limit must be a whole number of zero or more' })
})

test('what was exported is the same when it is imported again', async (t) => {
  const columns = [column('s'), column('n', 'number'), column('b', 'boolean')]
  const rows = Array.from({ length: 500 }, (_, index) => ({
    s: `${index} "x",\n\t\\ 🌍`,
    n: Math.sin(index) * 10 ** (index % 40),
    b: index % 3 === 0 ? null : index % 3 === 1,
  }))
  const { db, applicationId, id, write, file, signal } = await openExport(t, columns, rows)
  await write()
  const copy = await makeTable(db, columns, { applicationId })
  await db.transaction(async (tx) => {
    const table = await openTable(tx, applicationId, copy.id, { lock: true })
    await importCsv(tx, table, { file, createMissingColumns: false, truncate: false, signal })
  })
  const read = async (tableId: string) =>
    (await listRows(db, applicationId, tableId, { includeFields: 's,n,b' })).items.map(({ id: _, ...row }) => row)
  assert.deepEqual(await read(copy.id), rows)
  assert.deepEqual(await read(id), rows)
})

test('an export that is given up fails with the signal’s reason and leaves the pool usable', async (t) => {
  const { db, applicationId, id, file } = await openExport(t, [column('n', 'number')], [{ n: 1 }])
  const at = { applicationId, dataTableId: id }
  await assert.rejects(exportRows(db, at, {}, file, AbortSignal.abort()), { name: 'AbortError' })
  await Promise.all(Array.from({ length: 8 }, () => db.query('select 1')))
})

test('the times of a large table are right, those that many rows have and all others', async (t) => {
  const { db, id, write } = await openExport(t, [column('s')], [])
  // Over five hundred pages in three bulks, with a row now and then of a time of its own, and some that were changed.
  await db.query(
    `insert into "rows"."t_${id}" (id, created_at, updated_at, c1)
     select lpad(to_hex(n), 24, '0'), at, case when n % 1000 = 7 then at + interval '1.5 seconds' else at end, repeat('x', 40)
     from (
       select n, case when n % 997 = 0 then timestamptz '2025-03-01 00:00:00.999999Z' + n * interval '1 millisecond'
         else (array[timestamptz '2026-01-02 03:04:05.006Z', '2026-10-25 00:59:59.9996Z', '1969-12-31 23:59:59.5Z'])[1 + n / 20000]
         end as at
       from generate_series(0, 59999) n
     ) rows`,
  )
  const expected = await db.query<{ line: string }>(
    `select concat_ws(',', id, ${['created_at', 'updated_at']
      .map((name) => `to_char(${name} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`)
      .join(', ')}, c1) as line from "rows"."t_${id}" order by id`,
  )
  const lines = (await write()).trimEnd().split('\n').slice(1)
  assert.equal(lines.length, 60_000)
  assert.deepEqual(
    lines.filter((line, index) => line !== expected[index]?.line),
    [],
  )
})
