/** Rows written and read: values checked against their columns, defaults, constraints, queries, and all or nothing. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import test, { type TestContext } from 'node:test'
import type { DataTableColumn } from '../../contract/data-tables.ts'
import type { RowValues } from '../../contract/rows.ts'
import * as writes from '../../server/catalog/row-writes.ts'
import { listRows, type RowsQuery } from '../../server/catalog/rows.ts'
import { column, makeApplication, makeTable } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

/** A table, and what can be done to its rows. */
async function openRows(t: TestContext, columns: DataTableColumn[]) {
  const db = await openTestDatabase(t)
  const { id, applicationId } = await makeTable(db, columns)
  const at = [db, applicationId, id] as const
  const values = async (query: object = {}, wanted: RowsQuery = {}) =>
    (await listRows(...at, wanted, query)).items.map(({ id: _, createdAt: __, updatedAt: ___, ...row }) => row)
  return {
    db,
    at,
    values,
    insert: (row: RowValues) => writes.insertRow(...at, row),
    insertMany: (rows: RowValues[]) => writes.insertRows(...at, rows),
    patch: (rowId: string, patch: RowValues) => writes.patchRow(...at, rowId, patch),
  }
}

const COLUMNS = [
  column('key', 'string', { constraint: 'unique' }),
  column('n', 'number', { constraint: 'required' }),
  column('unit', 'string', { defaultValue: 'kW' }),
  column('ok', 'boolean'),
]

test('a row is stored as it was given: defaults where nothing was said, null where null was, the rest passed over', async (t) => {
  const { insert, values } = await openRows(t, COLUMNS)
  const row = await insert({ n: 1.5, other: 'x', id: 'mine', createdAt: 'then' })
  assert.match(row.id, /^[0-9a-f]{24}$/)
  const { id: _, createdAt, updatedAt, ...rest } = row
  assert.equal(createdAt, updatedAt)
  assert.deepEqual(rest, { key: null, n: 1.5, unit: 'kW', ok: null })
  await insert({ key: 'a\tb\n"c" \\N 🌍', n: -0.1, unit: null, ok: false })
  assert.deepEqual(await values(), [rest, { key: 'a\tb\n"c" \\N 🌍', n: -0.1, unit: null, ok: false }])
})

test('many rows are inserted in their order with one time', async (t) => {
  const { insertMany, at } = await openRows(t, COLUMNS)
  const { createdAt, count, rowIds } = await insertMany(Array.from({ length: 1000 }, (_, n) => ({ n })))
  assert.equal(count, 1000)
  const { items, totalCount } = await listRows(...at, {})
  assert.equal(totalCount, 1000)
  assert.deepEqual(
    items.map(({ id, n, createdAt }) => [id, n, createdAt]),
    rowIds.map((id, n) => [id, n, createdAt]),
  )
  const none = await insertMany([])
  assert.deepEqual([none.count, none.rowIds], [0, []])
})

const refused: [string, RowValues[], string][] = [
  ['a value of another type', [{ n: 1 }, { n: 1, ok: 'yes' }], 'dataTableRow.1.ok must be a boolean, not "yes"'],
  ['numbers as text', [{ n: '1' }], 'dataTableRow.0.n must be a number, not "1"'],
  ['a required value that is missing', [{ key: 'a' }], 'dataTableRow.0.n is required, and must be a number'],
  ['null for a required value', [{ n: null }], 'dataTableRow.0.n is required, and must be a number'],
  [
    'a unique value twice in one request',
    [{ n: 1, key: 'a' }, { n: 1 }, { n: 2, key: 'a' }],
    'dataTableRow.2.key is unique, but the value "a" would be there twice',
  ],
  [
    'a unique value that a row has',
    [{ n: 1 }, { n: 1, key: 'old' }],
    'dataTableRow.1.key is unique, but the value "old" would be there twice',
  ],
]
for (const [what, rows, message] of refused) {
  test(`${what} is named, and no row of the request is stored`, async (t) => {
    const { insert, insertMany, values } = await openRows(t, COLUMNS)
    await insert({ n: 0, key: 'old' })
    await assert.rejects(insertMany(rows), { kind: 'invalid', message })
    assert.equal((await values()).length, 1)
  })
}

test('a unique value that is too long for its index is refused in words', async (t) => {
  const { insert } = await openRows(t, COLUMNS)
  const long = randomBytes(1950).toString('base64') // 2,600 characters that compress badly
  await assert.rejects(insert({ n: 1, key: `${long}+` }), {
    message: 'dataTableRow.key is unique, so it must have at most 2600 bytes',
  })
  await insert({ n: 1, unit: long, key: long })
})

test('a change of a row leaves what it does not name, and moves its time', async (t) => {
  const { insert, patch, db, at } = await openRows(t, COLUMNS)
  const row = await insert({ n: 1, key: 'a' })
  await insert({ n: 1, key: 'b' })
  const changed = await patch(row.id, { ok: true, unit: null, other: 1 })
  assert.deepEqual(changed, { ...row, ok: true, unit: null, updatedAt: changed.updatedAt })
  assert.ok(changed.updatedAt >= row.updatedAt)
  await assert.rejects(patch(row.id, { n: null }), { message: 'dataTableRow.n is required, and must be a number' })
  await assert.rejects(patch(row.id, { ok: 1 }), { message: 'dataTableRow.ok must be a boolean, not 1' })
  await assert.rejects(patch(row.id, { key: 'b' }), {
    message: 'dataTableRow.key is unique, but the value "b" would be there twice',
  })
  assert.deepEqual(await writes.getRow(...at, row.id), changed)
  const { id: other } = await makeApplication(db)
  const foreign = [db, other, at[2]] as const
  for (const call of [
    () => writes.getRow(...at, at[2]),
    () => writes.patchRow(...at, at[2], {}),
    () => writes.deleteRow(...at, at[2]),
    () => writes.getRow(...foreign, row.id),
    () => writes.patchRow(...foreign, row.id, {}),
    () => writes.deleteRow(...foreign, row.id),
    () => writes.insertRow(...foreign, { n: 1 }),
    () => writes.deleteRows(...foreign, {}, undefined),
    () => writes.truncateRows(...foreign),
    () => writes.getRow(db, at[1], 'x"; drop table users; --', row.id),
  ]) {
    await assert.rejects(call(), { kind: 'notFound' })
  }
  await writes.deleteRow(...at, row.id)
  await assert.rejects(writes.getRow(...at, row.id), { kind: 'notFound', message: 'Data table row was not found' })
})

test('rows are asked for by their columns, their ids and their times', async (t) => {
  const { insertMany, values, at } = await openRows(t, COLUMNS)
  const { rowIds, createdAt } = await insertMany(
    ['a', 'B', 'ä', '%', null].map((key, n) => ({ key, n, ok: n % 2 === 0 })),
  )
  const found = async (query: object) => (await values(query)).map(({ n }) => n)
  assert.deepEqual(await found({ n: { $gte: 1, $lt: 3 } }), [1, 2])
  assert.deepEqual(await found({ key: { $contains: '%' } }), [3])
  assert.deepEqual(await found({ key: { $eq: 'b', $ci: true } }), [1])
  assert.deepEqual(await found({ key: { $nin: ['a', 'B'] } }), [2, 3, 4])
  assert.deepEqual(await found({ $nor: [{ ok: true }, { key: 'B' }] }), [3])
  assert.deepEqual(await found({ id: rowIds[2] ?? '' }), [2])
  assert.deepEqual(await found({ createdAt }), [0, 1, 2, 3, 4])
  assert.deepEqual(await found({ createdAt: { $gt: '12345' }, n: 4 }), [4])
  const query = { n: { $lt: 3 } }
  const page = await listRows(...at, { limit: '1', offset: '1', sortColumn: 'key', sortDirection: 'desc' }, query)
  assert.deepEqual([page.items.map(({ key }) => key), page.totalCount, page.query], [['a'], 3, query])
  await assert.rejects(found({ c1: 'a' }), {
    message: 'query.c1 is not a field; allowed are id, createdAt, updatedAt, key, n, unit, ok',
  })
})

test('a delete takes the oldest that match, as many as it may', async (t) => {
  const { insertMany, values, at } = await openRows(t, COLUMNS)
  await insertMany(Array.from({ length: 10 }, (_, n) => ({ n, ok: n % 2 === 0 })))
  assert.deepEqual(await writes.deleteRows(...at, { ok: true }, '2'), { removed: 2 })
  assert.deepEqual(
    (await values()).map(({ n }) => n),
    [1, 3, 4, 5, 6, 7, 8, 9],
  )
  await assert.rejects(writes.deleteRows(...at, { no: 1 }, undefined), {
    kind: 'invalid',
    message: /^query\.no is not/,
  })
  assert.deepEqual(await writes.deleteRows(...at, { n: '4' }, undefined), { removed: 0 })
  assert.deepEqual(await writes.deleteRows(...at, {}, undefined), { removed: 8 })
  await insertMany([{ n: 1 }])
  await writes.truncateRows(...at)
  assert.deepEqual(await values(), [])
})
