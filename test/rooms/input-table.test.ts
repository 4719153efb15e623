/** Input dataTable: all rows or those of a query, templates in both of its fields, and what is refused. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import type { NotebookInput } from '../../contract/notebook-files.ts'
import { insertRows } from '../../server/catalog/row-writes.ts'
import { gatherInput } from '../../server/executions/inputs/gather.ts'
import { literal } from '../../server/stores/duckdb/sql.ts'
import { column, makeApplication, makeTable } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'
import { gathered, makeStaging } from '../support/staging.ts'

async function makeScene(t: TestContext, context: Record<string, unknown> = {}) {
  const db = await openTestDatabase(t)
  const { id: applicationId } = await makeApplication(db)
  const columns = [column('label'), column('amount', 'number'), column('good', 'boolean')]
  const table = await makeTable(db, columns, { applicationId })
  await insertRows(db, applicationId, table.id, [
    { label: 'a, "b"', amount: 1.5, good: true },
    { label: '', amount: 1e21, good: false },
    { label: null, amount: null, good: null },
  ])
  const ctx = { table: table.id, ...context }
  return {
    db,
    table,
    applicationId,
    staging: await makeStaging(t, db, applicationId, { context: { ctx, globals: {} } }),
  }
}

const input = (rest: object): NotebookInput => ({
  inputType: 'dataTable',
  fileName: 'rows.csv',
  dataTableId: '{{ctx.table}}',
  ...rest,
})

/** The rows of a CSV without the ids and times that begin them. */
const valuesOf = (csv: string) =>
  csv
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.replace(/^[0-9a-f]{24},[^,]+Z,[^,]+Z,/, ''))

test('all rows of a table, by their ids, with the columns in their order', async (t) => {
  const { staging } = await makeScene(t)
  const csv = await gathered(staging, input({}))
  assert.match(csv, /^id,createdAt,updatedAt,label,amount,good\n/)
  assert.deepEqual(valuesOf(csv), ['"a, ""b""",1.5,true', '"",1e+21,false', ',,'])
})

test('the rows of a query, its values made by templates', async (t) => {
  const { staging, table } = await makeScene(t, { label: 'a, "b"', most: 5 })
  const cases: [queryJson: string, values: string[]][] = [
    ['{"label": {{jsonEncode ctx.label}} }', ['"a, ""b""",1.5,true']],
    ['{"amount": {"$lt": {{ctx.most}} }}', ['"a, ""b""",1.5,true']],
    ['{"good": false}', ['"",1e+21,false']],
    ['{"createdAt": {"$lt": "12345"}}', []],
    ['{{#if ctx.none}}{"good": true}{{/if}}', ['"a, ""b""",1.5,true', '"",1e+21,false', ',,']],
  ]
  for (const [queryJson, values] of cases) {
    const asked = input({ queryJson, dataTableId: table.id.toUpperCase() })
    assert.deepEqual(valuesOf(await gathered(staging, asked)), values, queryJson)
  }
})

test('as Parquet with the types of the columns', async (t) => {
  const { staging } = await makeScene(t)
  const file = join(staging.folder, 'rows.parquet')
  await gatherInput(input({ fileName: 'rows.parquet' }), file, staging)
  const rows = await staging.duckdb.session(staging.signal, (duck) =>
    duck.rows(`select label, amount, good, typeof(id) as id, typeof(amount) as number, typeof(good) as boolean
      from ${literal(file)}`),
  )
  const types = { id: 'VARCHAR', number: 'DOUBLE', boolean: 'BOOLEAN' }
  assert.deepEqual(rows, [
    { label: 'a, "b"', amount: 1.5, good: true, ...types },
    { label: '', amount: 1e21, good: false, ...types },
    { label: null, amount: null, good: null, ...types },
  ])
})

test('a table that is not there, or is another application’s, fails as one; so does a query that is none', async (t) => {
  const { staging, db } = await makeScene(t)
  const foreign = await makeTable(db, [column('a')])
  const cases: [input: object, kind: string, reason: RegExp][] = [
    [{ dataTableId: '5f0000000000000000000001' }, 'notFound', /^Data table was not found$/],
    [{ dataTableId: foreign.id }, 'notFound', /^Data table was not found$/],
    [
      { dataTableId: '{{ctx.none}}' },
      'invalid',
      /^dataTableId: "\{\{ctx\.none\}\}" renders to "", which is not the id/,
    ],
    [{ queryJson: '{"none": 1}' }, 'invalid', /^queryJson\.none/],
    [{ queryJson: '{' }, 'invalid', /^queryJson must be JSON/],
  ]
  for (const [rest, kind, message] of cases) {
    await assert.rejects(gathered(staging, input(rest)), { kind, message })
  }
})
