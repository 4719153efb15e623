/** Parquet twins of inputs: the same rows and values as the CSV of the same input, with types. */

import assert from 'node:assert/strict'
import { access, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import test, { type TestContext } from 'node:test'
import type { NotebookInput } from '../../contract/notebook-files.ts'
import { gatherInput } from '../../server/executions/inputs/gather.ts'
import { literal } from '../../server/stores/duckdb/sql.ts'
import { appendConnections } from '../../server/stores/telemetry/connections.ts'
import { appendStates } from '../../server/stores/telemetry/hot.ts'
import { makeApplication, makeDevice } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'
import { gathered, makeStaging, RELATIVE_TO, type TestStaging } from '../support/staging.ts'

const NOW = RELATIVE_TO.getTime()
const NEVER = new AbortController().signal
type Row = Record<string, unknown>

/** The rows of a Parquet file, and the types of its columns. */
async function readParquet(
  { duckdb }: TestStaging,
  file: string,
): Promise<{ rows: Row[]; types: Record<string, string> }> {
  return duckdb.session(NEVER, async (duck) => {
    const columns = await duck.rows<{ column_name: string; column_type: string }>(
      `describe select * from ${literal(file)}`,
    )
    return {
      rows: await duck.rows<Row>(`select * from ${literal(file)}`),
      types: Object.fromEntries(columns.map((column) => [column.column_name, column.column_type])),
    }
  })
}

/** The rows of a CSV file as DuckDB reads them, every cell as text, empty ones missing. */
const readCsv = ({ duckdb }: TestStaging, file: string): Promise<Row[]> =>
  duckdb.session(NEVER, (duck) =>
    duck.rows<Row>(`select * from read_csv(${literal(file)}, header = true, all_varchar = true, delim = ',', quote = '"',
      escape = '"', allow_quoted_nulls = false)`),
  )

/** A value as the cell of a CSV that has it. */
const cellOf = (value: unknown) => (value === null || typeof value === 'string' ? value : String(Number(value)))

/** Gathers both twins and compares them value by value; gives the types. */
async function compareTwins(
  staging: TestStaging,
  input: NotebookInput,
): Promise<{ types: Record<string, string>; rows: Row[] }> {
  await gathered(staging, input)
  const twin = { ...input, fileName: input.fileName.replace('.csv', '.parquet') }
  const file = join(staging.folder, twin.fileName)
  await gatherInput(twin, file, staging)
  const [csv, parquet] = [
    await readCsv(staging, join(staging.folder, input.fileName)),
    await readParquet(staging, file),
  ]
  const asCells = parquet.rows.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, cellOf(value)])),
  )
  const numeric = (row: Row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [
        name,
        ['DOUBLE', 'BIGINT'].includes(parquet.types[name] ?? '') && value !== null ? String(Number(value)) : value,
      ]),
    )
  assert.deepEqual(asCells, csv.map(numeric))
  return parquet
}

async function makeScene(t: TestContext) {
  const db = await openTestDatabase(t)
  const { id: applicationId } = await makeApplication(db)
  const device = await makeDevice(db, {
    applicationId,
    name: 'a "pump", of ö',
    description: 'two\nlines',
    tags: [
      { key: 'site', value: 'north' },
      { key: 'SITE', value: 'south' },
    ],
    attributes: [
      { name: 'temp', dataType: 'number' },
      { name: 'on', dataType: 'boolean' },
      { name: 'note', dataType: 'string' },
      { name: 'place', dataType: 'gps' },
    ],
  })
  const states = [
    { temp: 0.1 + 0.2, on: true, note: 'a "b", c\r\nd', place: '39.1,-84.5' },
    { temp: -1e-7, on: false },
    { temp: 12345678901234, note: '' },
    { note: '1' },
    { temp: 1e21, note: 'NULL' },
  ]
  await appendStates(
    db,
    applicationId,
    device.id,
    states.map((doc, index) => ({ ts: NOW - 1000 + index, doc })),
  )
  return { device, staging: await makeStaging(t, db, applicationId), db, applicationId }
}

test('deviceData: times as whole numbers, numbers, booleans and text keep their types', async (t) => {
  const { device, staging } = await makeScene(t)
  const input: NotebookInput = {
    inputType: 'deviceData',
    fileName: 'data.csv',
    start: -5000,
    end: 0,
    deviceIds: [device.id],
  }
  const { types, rows } = await compareTwins(staging, input)
  assert.deepEqual(types, {
    ID: 'VARCHAR',
    Timestamp: 'BIGINT',
    temp: 'DOUBLE',
    on: 'BOOLEAN',
    note: 'VARCHAR',
    place: 'VARCHAR',
  })
  assert.equal(rows[0]?.['temp'], 0.1 + 0.2)
  assert.equal(rows[2]?.['note'], '')
  assert.equal(rows.length, 5)
})

test('deviceData without rows has its columns', async (t) => {
  const { device, staging } = await makeScene(t)
  const input: NotebookInput = {
    inputType: 'deviceData',
    fileName: 'data.csv',
    start: -1,
    end: 0,
    deviceIds: [device.id],
  }
  const { types, rows } = await compareTwins(staging, input)
  assert.deepEqual(Object.keys(types), ['ID', 'Timestamp', 'temp', 'on', 'note', 'place'])
  assert.deepEqual(rows, [])
})

test('deviceConnectionHistory: the same entries, with types', async (t) => {
  const { device, staging, db, applicationId } = await makeScene(t)
  await appendConnections(db, applicationId, device.id, [
    { ts: NOW - 3000, connected: true, ipAddress: '10.0.0.1' },
    { ts: NOW - 2000, connected: false, disconnectReason: 'slept, "long"', messagesFromClient: 5, messagesToClient: 0 },
  ])
  const input: NotebookInput = {
    inputType: 'deviceConnectionHistory',
    fileName: 'connections.csv',
    start: -5000,
    end: 0,
    deviceIds: [device.id],
  }
  const { types, rows } = await compareTwins(staging, input)
  assert.deepEqual(types, {
    ID: 'VARCHAR',
    Timestamp: 'BIGINT',
    connected: 'BOOLEAN',
    disconnectReason: 'VARCHAR',
    messagesFromClient: 'DOUBLE',
    messagesToClient: 'DOUBLE',
    ipAddress: 'VARCHAR',
  })
  assert.deepEqual(
    rows.map(({ connected }) => connected),
    [true, false],
  )
})

test('deviceMetadata: text all over; of tag keys that differ in capitals only the second one is numbered', async (t) => {
  const { staging } = await makeScene(t)
  const file = join(staging.folder, 'devices.parquet')
  await gatherInput({ inputType: 'deviceMetadata', fileName: 'devices.parquet', queryJson: '{}' }, file, staging)
  const { rows, types } = await readParquet(staging, file)
  assert.deepEqual(new Set(Object.values(types)), new Set(['VARCHAR']))
  const [device] = rows
  assert.equal(device?.['Name'], 'a "pump", of ö')
  assert.equal(device['Description'], 'two\nlines')
  assert.equal(device['Parent ID'], null)
  assert.deepEqual([device['SITE'], device['site_1']], ['south', 'north'])
})

test('JSON stays JSON whatever its name, and nothing is left on the way', async (t) => {
  const { staging } = await makeScene(t)
  const json = { inputType: 'deviceMetadata', fileName: 'devices.parquet', format: 'json', queryJson: '{}' } as const
  assert.match(await gathered(staging, json), /^\[\{/)
  const table = { inputType: 'deviceMetadata', fileName: 'table.parquet', queryJson: '{}' } as const
  await gatherInput(table, join(staging.folder, 'table.parquet'), staging)
  await assert.rejects(gatherInput({ ...table, queryJson: '{' }, join(staging.folder, 'bad.parquet'), staging))
  await assert.rejects(access(join(staging.folder, 'bad.parquet')))
  assert.deepEqual(await readdir(dirname(staging.scratch())), [])
})
