/** Data tables by the official client: made, changed, filled, asked, exported and removed; and what is refused of it. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Client, signIn } from '../../client/client.ts'
import type { DataTable, DataTableColumn } from '../../contract/data-tables.ts'
import { getJobLog } from '../../contract/job-logs.ts'
import type { DataTableRow, RowsInserted, RowValues } from '../../contract/rows.ts'
import { type Official, refusal, signInOfficially } from '../support/official.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { makeApplication } from '../support/steps.ts'
import { until } from '../support/until.ts'

let service: RunningService
let losant: Official
let ours: Client
let applicationId: string

before(async () => {
  service = await startService()
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  ours = await signIn(service.url, EMAIL, PASSWORD)
  applicationId = (await makeApplication(losant)).id
})
after(() => service[Symbol.asyncDispose]())

const UNKNOWN = '0123456789abcdef01234567'

const COLUMNS: DataTableColumn[] = [
  { name: 'sku', dataType: 'string', constraint: 'unique' },
  { name: 'price', dataType: 'number', constraint: 'required' },
  { name: 'unit', dataType: 'string', constraint: 'optional', defaultValue: 'piece' },
  { name: 'active', dataType: 'boolean', constraint: 'optional' },
]

async function makeTable(name = 'parts', columns = COLUMNS) {
  const table = await losant.call<DataTable>('dataTables.post', { applicationId, dataTable: { name, columns } })
  return { ...table, at: { applicationId, dataTableId: table.id } }
}

interface Rows {
  items: DataTableRow[]
  count: number
  totalCount: number
  limit: number
  offset: number
  sortColumn: string
  query?: object
}

const RAW: RowValues[] = [
  { sku: 'a-1', price: 2.5, active: true },
  { sku: 'B-2', price: 10, unit: 'kg' },
  { sku: 'c%3', price: -1, active: false, unit: null },
]

test('tables are listed, found by their name, changed and deleted', async () => {
  const { id: applicationId } = await makeApplication(losant)
  for (const name of ['pumps', 'valves', 'Pump parts']) {
    await losant.call('dataTables.post', { applicationId, dataTable: { name } })
  }
  const list = async (query: object) =>
    (await losant.call<{ items: DataTable[] }>('dataTables.get', { applicationId, ...query })).items
  const names = async (query: object) => (await list(query)).map(({ name }) => name)
  assert.deepEqual(await names({ sortField: 'creationDate', sortDirection: 'desc' }), ['Pump parts', 'valves', 'pumps'])
  assert.deepEqual(await names({ sortField: 'id', perPage: 2, page: 1 }), ['Pump parts'])
  assert.deepEqual((await names({ filterField: 'name', filter: '*pump*' })).toSorted(), ['Pump parts', 'pumps'])
  const [first] = await list({ sortField: 'id' })
  const at = { applicationId, dataTableId: first?.id }
  const patched = await losant.call<DataTable>('dataTable.patch', {
    ...at,
    dataTable: { name: 'new', description: 'd' },
  })
  assert.deepEqual(await losant.call('dataTable.get', at), patched)
  assert.deepEqual([patched.name, patched.description, patched.columns], ['new', 'd', []])
  assert.deepEqual(await losant.call('dataTable.delete', at), { success: true })
  assert.equal((await refusal(losant.call('dataTable.get', at))).statusCode, 404)
  assert.deepEqual((await names({})).length, 2)
})

test('columns are added and removed, and rows follow', async () => {
  const { at } = await makeTable()
  await losant.call('dataTableRows.post', { ...at, dataTableRow: RAW })
  const added: DataTableColumn = { name: 'place', dataType: 'string', constraint: 'required', defaultValue: 'hall' }
  const table = await losant.call<DataTable>('dataTable.addColumn', { ...at, dataTableColumn: added })
  assert.deepEqual(table.columns, [...COLUMNS, added])
  await losant.call('dataTableRows.post', { ...at, dataTableRow: { sku: 'd', price: 1 } })
  const { items } = await losant.call<Rows>('dataTableRows.get', { ...at, includeFields: 'place,sku' })
  assert.deepEqual(
    items.map(({ id: _, ...row }) => row),
    [
      { place: null, sku: 'a-1' },
      { place: null, sku: 'B-2' },
      { place: null, sku: 'c%3' },
      { place: 'hall', sku: 'd' },
    ],
  )
  const rest = await losant.call<DataTable>('dataTable.removeColumn', { ...at, columnName: 'price' })
  assert.deepEqual(rest.columns, [...COLUMNS.filter(({ name }) => name !== 'price'), added])
})

test('a row is inserted, read, changed and deleted', async () => {
  const { at } = await makeTable()
  const row = await losant.call<DataTableRow>('dataTableRows.post', {
    ...at,
    dataTableRow: { sku: 'x', price: 1, colour: 'red' },
  })
  const { id: rowId, createdAt: _, updatedAt: __, ...values } = row
  assert.deepEqual(values, { sku: 'x', price: 1, unit: 'piece', active: null })
  assert.deepEqual(await losant.call('dataTableRow.get', { ...at, rowId }), row)
  const changed = await losant.call<DataTableRow>('dataTableRow.patch', {
    ...at,
    rowId,
    dataTableRow: { price: 2, unit: null },
  })
  assert.deepEqual(changed, { ...row, price: 2, unit: null, updatedAt: changed.updatedAt })
  assert.deepEqual(await losant.call('dataTableRow.delete', { ...at, rowId }), { success: true })
  const gone = await refusal(losant.call('dataTableRow.get', { ...at, rowId }))
  assert.deepEqual([gone.statusCode, gone.message], [404, 'Data table row was not found'])
})

test('a thousand rows are inserted at once, asked in every way, deleted by query, and truncated', async () => {
  const { at } = await makeTable()
  const many = Array.from({ length: 997 }, (_, index) => ({ sku: `n${index}`, price: index, active: index % 2 === 0 }))
  const { count, rowIds } = await losant.call<RowsInserted>('dataTableRows.post', {
    ...at,
    dataTableRow: [...RAW, ...many],
  })
  assert.deepEqual([count, rowIds.length], [1000, 1000])
  const all = await losant.call<Rows>('dataTableRows.get', at)
  assert.deepEqual([all.count, all.totalCount, all.limit, all.offset, all.sortColumn], [1000, 1000, 1000, 0, 'id'])
  assert.deepEqual(
    all.items.map(({ id }) => id),
    rowIds,
  )
  const skus = async (query: object, rest: object = {}) => {
    const page = await losant.call<Rows>('dataTableRows.query', { ...at, query, ...rest })
    assert.deepEqual(page.query, query)
    return page.items.map(({ sku }) => sku)
  }
  assert.deepEqual(await skus({ sku: { $startsWith: 'b', $ci: true } }), ['B-2'])
  assert.deepEqual(await skus({ sku: { $contains: '%' }, unit: null }), ['c%3'])
  assert.deepEqual(await skus({ $or: [{ price: { $lt: 0 } }, { sku: { $in: ['n5', 'n6'] } }] }), ['c%3', 'n5', 'n6'])
  const rest = { sortColumn: 'price', sortDirection: 'desc', limit: 2, offset: 1 }
  assert.deepEqual(await skus({ active: true }, rest), ['n994', 'n992'])
  assert.deepEqual(await losant.call('dataTableRows.delete', { ...at, query: { active: true }, limit: 100 }), {
    removed: 100,
  })
  assert.deepEqual(await losant.call('dataTableRows.delete', { ...at, query: { price: { $lt: 0 } } }), { removed: 1 })
  assert.equal((await losant.call<Rows>('dataTableRows.query', at)).totalCount, 899)
  assert.deepEqual(await losant.call('dataTableRows.truncate', at), { success: true })
  assert.equal((await losant.call<Rows>('dataTableRows.get', at)).totalCount, 0)
})

test('rows are exported by a job as CSV, once in five minutes', async () => {
  const { at, id } = await makeTable()
  await losant.call('dataTableRows.post', { ...at, dataTableRow: RAW })
  const exportData = { query: { price: { $gt: 0 } }, queryOptions: { sortColumn: 'price', sortDirection: 'desc' } }
  const bad = await refusal(losant.call('dataTableRows.export', { ...at, exportData: { query: { cost: 1 } } }))
  assert.deepEqual(
    [bad.statusCode, bad.message],
    [400, 'exportData.query.cost is not a field; allowed are id, createdAt, updatedAt, sku, price, unit, active'],
  )
  const { jobId } = await losant.call<{ jobId: string }>('dataTableRows.export', { ...at, exportData })
  let log = await ours.call(getJobLog, { params: { applicationId, jobId } })
  await until(async () => {
    log = await ours.call(getJobLog, { params: { applicationId, jobId } })
    return log.status !== 'queued' && log.status !== 'inProgress'
  })
  assert.deepEqual([log.status, log.resourceType, log.resourceId, log.error], ['completed', 'datatable', id, undefined])
  const [url] = Array.isArray(log.output['downloadUrls']) ? log.output['downloadUrls'] : []
  const lines = (await (await fetch(String(url))).text()).split('\n')
  assert.equal(lines[0], 'id,createdAt,updatedAt,sku,price,unit,active')
  assert.deepEqual(
    lines.slice(1).map((line) => line.split(',').slice(3).join()),
    ['B-2,10,kg,', 'a-1,2.5,piece,true', ''],
  )
  const again = await refusal(losant.call('dataTableRows.export', { ...at, exportData }))
  assert.deepEqual([again.statusCode, again.type], [429, 'LimitExceeded'])
  const headers = { authorization: `Bearer ${ours.token}`, 'content-type': 'application/json' }
  const path = `/applications/${applicationId}/data-tables/${id}/rows/export`
  const raw = await fetch(service.url + path, { method: 'POST', headers, body: '{}' })
  assert.equal(raw.status, 429)
  const retryAfter = Number(raw.headers.get('retry-after'))
  assert.ok(retryAfter > 200 && retryAfter <= 300, `${retryAfter}`)
})

test('what can’t be stored is refused with its place, and nothing of the request is stored', async () => {
  const { at } = await makeTable()
  await losant.call('dataTableRows.post', { ...at, dataTableRow: RAW })
  const rows = (dataTableRow: unknown) => losant.call('dataTableRows.post', { ...at, dataTableRow })
  const column = (dataTableColumn: object) => losant.call('dataTable.addColumn', { ...at, dataTableColumn })
  const query = (asked: object) => losant.call('dataTableRows.query', { ...at, query: asked })
  const refused: [() => Promise<unknown>, RegExp][] = [
    [() => rows([{ price: 1 }, { price: 'x' }]), /^dataTableRow\.1\.price must be a number, not "x"$/],
    [() => rows({ sku: 'y' }), /^dataTableRow\.price is required, and must be a number$/],
    [
      () => rows([{ price: 1 }, { price: 1, sku: 'a-1' }]),
      /^dataTableRow\.1\.sku is unique, but the value "a-1" would be/,
    ],
    [
      () => rows({ price: 1, sku: { a: 1 } }),
      /^dataTableRow\.sku must be text, a number, a boolean or null, not an object$/,
    ],
    [
      () => rows({ price: 1, 'not a key': 1 }),
      /^dataTableRow\.not a key is not a known property; allowed are names of 1 to 255 letters/,
    ],
    [
      () => rows(Array.from({ length: 1001 }, () => ({ price: 1 }))),
      /^dataTableRow must have at most 1000 items, and has 1001$/,
    ],
    [
      () => column({ name: 'sku', dataType: 'string', constraint: 'optional' }),
      /^dataTableColumn\.name "sku" is taken/,
    ],
    [() => column({ name: 'id', dataType: 'string', constraint: 'optional' }), /^dataTableColumn\.name "id" is taken/],
    [
      () => column({ name: 'x', dataType: 'date', constraint: 'optional' }),
      /^dataTableColumn\.dataType must be one of/,
    ],
    [() => losant.call('dataTable.removeColumn', { ...at, columnName: 'c1' }), /^columnName "c1" is not a column/],
    [
      () => query({ $or: [{}, { price: { $foo: 1 } }] }),
      /^query\.\$or\.1\.price\.\$foo is not an operator; allowed are \$eq/,
    ],
    [() => query({ c1: 'a' }), /^query\.c1 is not a field; allowed are id, createdAt, updatedAt, sku/],
    [() => losant.call('dataTableRows.delete', { ...at, query: { cost: 1 } }), /^query\.cost is not a field/],
    [() => losant.call('dataTableRows.get', { ...at, sortColumn: 'c1' }), /^sortColumn "c1" is not a column/],
    [() => losant.call('dataTableRows.get', { ...at, includeFields: 'sku,c1' }), /^includeFields "c1" is not a column/],
    [
      () => losant.call('dataTable.patch', { ...at, dataTable: { columns: [] } }),
      /^dataTable\.columns is not a known property/,
    ],
  ]
  for (const [call, message] of refused) {
    const { statusCode, type, message: told } = await refusal(call())
    assert.deepEqual([statusCode, type], [400, 'Validation'], told)
    assert.match(told, message)
  }
  assert.equal((await losant.call<Rows>('dataTableRows.get', at)).totalCount, RAW.length)
})

test('a table of another application, and a row of another table, are not found', async () => {
  const { at, id } = await makeTable()
  const { id: rowId } = await losant.call<DataTableRow>('dataTableRows.post', { ...at, dataTableRow: { price: 1 } })
  const { id: other } = await makeApplication(losant)
  const { at: beside } = await makeTable('beside')
  const dataTableColumn = { name: 'x', dataType: 'string', constraint: 'optional' }
  for (const place of [
    { applicationId: other, dataTableId: id },
    { applicationId, dataTableId: UNKNOWN },
  ]) {
    const calls = [
      () => losant.call('dataTable.get', place),
      () => losant.call('dataTable.patch', { ...place, dataTable: {} }),
      () => losant.call('dataTable.delete', place),
      () => losant.call('dataTable.addColumn', { ...place, dataTableColumn }),
      () => losant.call('dataTable.removeColumn', { ...place, columnName: 'sku' }),
      () => losant.call('dataTableRows.get', place),
      () => losant.call('dataTableRows.query', { ...place, query: {} }),
      () => losant.call('dataTableRows.post', { ...place, dataTableRow: {} }),
      () => losant.call('dataTableRows.delete', { ...place, query: {} }),
      () => losant.call('dataTableRows.truncate', place),
      () => losant.call('dataTableRows.export', { ...place, exportData: {} }),
      () => losant.call('dataTableRow.get', { ...place, rowId }),
      () => losant.call('dataTableRow.patch', { ...place, rowId, dataTableRow: {} }),
      () => losant.call('dataTableRow.delete', { ...place, rowId }),
    ]
    for (const call of calls) {
      const { statusCode, message } = await refusal(call())
      assert.deepEqual([statusCode, message], [404, 'Data table was not found'], String(call))
    }
  }
  assert.equal((await refusal(losant.call('dataTableRow.get', { ...beside, rowId }))).statusCode, 404)
  assert.equal((await losant.call<Rows>('dataTableRows.get', at)).totalCount, 1)
})
