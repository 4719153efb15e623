/** Columns of data tables that come and go: what the rows before them keep, what is enforced from then on, and who waits. */

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import type { DataTableColumn } from '../../contract/data-tables.ts'
import { importCsv } from '../../server/catalog/csv-import.ts'
import * as tables from '../../server/catalog/data-tables.ts'
import { insertRow, insertRows, patchRow } from '../../server/catalog/row-writes.ts'
import { listRows } from '../../server/catalog/rows.ts'
import type { Transaction } from '../../server/stores/postgres/database.ts'
import { column, makeFolder, makeTable } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

async function openColumns(t: TestContext, columns: DataTableColumn[]) {
  const db = await openTestDatabase(t, { poolSize: 8 })
  const { id, applicationId } = await makeTable(db, columns)
  const at = [db, applicationId, id] as const
  const file = join(await makeFolder(t), 'rows.csv')
  const take = async (tx: Transaction, text: string) => {
    await writeFile(file, text)
    const table = await tables.openTable(tx, applicationId, id, { lock: true })
    const { signal } = new AbortController()
    await importCsv(tx, table, { file, createMissingColumns: true, truncate: false, signal })
  }
  const rows = async () =>
    (await listRows(...at, {})).items.map(({ id: _, createdAt: __, updatedAt: ___, ...row }) => row)
  return { db, at, take, rows }
}

for (const constraint of ['required', 'unique'] as const) {
  test(`a ${constraint} column added later is empty in the rows before it, and holds for those after`, async (t) => {
    const { db, at, take, rows } = await openColumns(t, [column('n', 'number')])
    const old = await insertRow(...at, { n: 1 })
    await insertRow(...at, { n: 2 })
    const { columns } = await tables.addColumn(...at, column('k', 'string', { constraint, defaultValue: 'x' }))
    assert.deepEqual(columns, [column('n', 'number'), column('k', 'string', { constraint, defaultValue: 'x' })])
    assert.deepEqual(await rows(), [
      { n: 1, k: null },
      { n: 2, k: null },
    ])
    // An old row may be changed without the column being filled, but not be emptied.
    assert.equal((await patchRow(...at, old.id, { n: 3 }))['n'], 3)
    await insertRow(...at, { n: 4 })
    await assert.rejects(insertRow(...at, constraint === 'required' ? { k: null } : {}), {
      message:
        constraint === 'required'
          ? 'dataTableRow.k is required, and must be a string'
          : 'dataTableRow.k is unique, but the value "x" would be there twice',
    })
    // The database itself holds it, whoever writes.
    await assert.rejects(
      db.query(`insert into "rows"."t_${at[2]}" (id, c1, c2) values ('f', 1, $1)`, [
        constraint === 'required' ? null : 'x',
      ]),
      { code: constraint === 'required' ? '23502' : '23505' },
    )
    await db.transaction((tx) => take(tx, 'n,k\n5,y\n'))
    assert.deepEqual((await rows()).at(-1), { n: 5, k: 'y' })
  })
}

test('a column that was removed takes its values along, and one of its name starts empty', async (t) => {
  const { at, rows } = await openColumns(t, [column('a', 'string', { constraint: 'required' }), column('b', 'number')])
  await insertRow(...at, { a: 'x', b: 1 })
  const { columns } = await tables.removeColumn(...at, 'a')
  assert.deepEqual(columns, [column('b', 'number')])
  await insertRow(...at, { b: 2 })
  await tables.addColumn(...at, column('a', 'boolean'))
  assert.deepEqual(await rows(), [
    { b: 1, a: null },
    { b: 2, a: null },
  ])
  await assert.rejects(tables.removeColumn(...at, 'c1'), {
    kind: 'invalid',
    message: 'columnName "c1" is not a column of data table "readings"',
  })
})

const refused: [DataTableColumn, RegExp][] = [
  [column('a'), /^dataTableColumn\.name "a" is taken/],
  [column('updatedAt'), /^dataTableColumn\.name "updatedAt" is taken; .* belong to every row$/],
  [column('n', 'number', { defaultValue: 'x' }), /^dataTableColumn\.defaultValue must be a number, as the column is$/],
]
test('a column that can’t be is refused, and so is the 51st', async (t) => {
  const { at } = await openColumns(t, [column('a')])
  for (const [added, message] of refused) await assert.rejects(tables.addColumn(...at, added), { message })
  for (let index = 1; index < 50; index += 1) await tables.addColumn(...at, column(`x${index}`))
  await assert.rejects(tables.addColumn(...at, column('more')), { message: /would have more than 50 columns$/ })
  assert.equal((await tables.getDataTable(...at)).columns.length, 50)
})

test('columns come and go while rows are inserted, imported and read: nothing fails and no row is lost', async (t) => {
  const { db, at, take, rows } = await openColumns(t, [column('n', 'number')])
  const rounds = 15
  const inserting = async () => {
    for (let n = 0; n < rounds; n += 1) await insertRows(...at, [{ n, extra: 'x' }, { n }])
  }
  const importing = async () => {
    for (let n = 0; n < rounds; n += 1) await db.transaction((tx) => take(tx, `n,i${n % 3}\n${n},7\n`))
  }
  const changing = async () => {
    for (let n = 0; n < rounds; n += 1) {
      await tables.addColumn(...at, column('extra', 'string', { constraint: 'required', defaultValue: 'd' }))
      await tables.removeColumn(...at, 'extra')
    }
  }
  const reading = async () => {
    for (let n = 0; n < rounds; n += 1) await listRows(...at, {}, { n: { $gte: 0 } })
  }
  await Promise.all([inserting(), importing(), changing(), reading(), inserting()])
  const found = await rows()
  assert.equal(found.length, 5 * rounds)
  assert.deepEqual(Object.keys(found[0] ?? {}).toSorted(), ['i0', 'i1', 'i2', 'n'])
})

test('an import that is undone takes its columns along, and who waited for it goes on', async (t) => {
  const { db, at, take, rows } = await openColumns(t, [column('n', 'number')])
  const { promise: hasBegun, resolve: begin } = Promise.withResolvers<void>()
  const { promise: mayFail, resolve: fail } = Promise.withResolvers<void>()
  const importing = db.transaction(async (tx) => {
    await take(tx, 'n,made\n1,x\n')
    begin()
    await mayFail
    throw new Error('undone')
  })
  await hasBegun
  const inserted = insertRow(...at, { n: 2, made: 'y' })
  const added = tables.addColumn(...at, column('late'))
  fail()
  await assert.rejects(importing, { message: 'undone' })
  await Promise.all([inserted, added])
  assert.deepEqual(await rows(), [{ n: 2, late: null }])
})

test('a table that has had 1,500 columns is written anew when it gets another one, and keeps what it holds', async (t) => {
  const { db, at, take, rows } = await openColumns(t, [column('n', 'number')])
  const first = await insertRow(...at, { n: 1 })
  await tables.addColumn(...at, column('key', 'string', { constraint: 'unique' }))
  await tables.addColumn(...at, column('must', 'string', { constraint: 'required' }))
  await insertRow(...at, { n: 2, key: 'a', must: 'x' })
  const spent = Array.from({ length: 1500 }, (_, index) => `x${index}`)
  await db.query(`alter table "rows"."t_${at[2]}" ${spent.map((name) => `add column ${name} int`).join(', ')}`)
  await db.query(`alter table "rows"."t_${at[2]}" ${spent.map((name) => `drop column ${name}`).join(', ')}`)
  await tables.addColumn(...at, column('more', 'boolean'))
  const [kept] = await db.query<{ ever: number }>(
    `select max(attnum)::int as ever from pg_attribute where attrelid = '"rows"."t_${at[2]}"'::regclass`,
  )
  assert.equal(kept?.ever, 3 + 4)
  assert.deepEqual(await rows(), [
    { n: 1, key: null, must: null, more: null },
    { n: 2, key: 'a', must: 'x', more: null },
  ])
  const { createdAt, id } = (await listRows(...at, {})).items[0] ?? {}
  assert.deepEqual([id, createdAt], [first.id, first.createdAt])
  await assert.rejects(insertRow(...at, { must: 'y', key: 'a' }), { message: /^dataTableRow\.key is unique/ })
  await assert.rejects(db.query(`update "rows"."t_${at[2]}" set c6 = null where id <> $1`, [first.id]), {
    code: '23502',
  })
  await db.transaction((tx) => take(tx, 'n,key,must,late\n3,b,z,1\n'))
  assert.deepEqual((await rows()).at(-1), { n: 3, key: 'b', must: 'z', more: null, late: 1 })
  await tables.removeColumn(...at, 'must')
  await tables.deleteDataTable(...at)
  assert.deepEqual(await db.query(`select from pg_class where relname like 't\\_${at[2]}%'`), [])
})

test('a table goes with its rows, and is not found after', async (t) => {
  const { db, at } = await openColumns(t, [column('n', 'number')])
  await insertRow(...at, { n: 1 })
  const { id: _, ...patched } = await tables.patchDataTable(...at, { description: 'd' })
  assert.deepEqual([patched.name, patched.description], ['readings', 'd'])
  assert.equal((await tables.patchDataTable(...at, { name: 'new' })).description, 'd')
  await assert.rejects(tables.deleteDataTable(db, '0'.repeat(24), at[2]), { kind: 'notFound' })
  await tables.deleteDataTable(...at)
  assert.deepEqual(await db.query(`select from pg_class where relname like 't\\_${at[2]}%'`), [])
  for (const call of [
    () => tables.deleteDataTable(...at),
    () => tables.patchDataTable(...at, {}),
    () => tables.addColumn(...at, column('x')),
    () => tables.removeColumn(...at, 'n'),
    () => listRows(...at, {}),
    () => insertRow(...at, {}),
  ]) {
    await assert.rejects(call(), { kind: 'notFound', message: 'Data table was not found' })
  }
})

test('the rows of a table go when the row of the catalogue goes, whoever removes it', async (t) => {
  const { db, at } = await openColumns(t, [])
  await db.query('delete from applications where id = $1', [at[1]])
  assert.deepEqual(await db.query(`select from pg_class where relname = 't_${at[2]}'`), [])
})
