/**
 * Data tables: how fast a million rows of eight columns, one of them unique, come in from a CSV file, every value
 * checked, and go out as one again; beside PostgreSQL's own COPY of the same rows.
 */

import { createReadStream, createWriteStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { DataTableColumn } from '../contract/data-tables.ts'
import { importCsv } from '../server/catalog/csv-import.ts'
import { createDataTable, openTable } from '../server/catalog/data-tables.ts'
import { exportRows } from '../server/catalog/rows-export.ts'
import type { Transaction } from '../server/stores/postgres/transaction.ts'
import { createGate } from './idle.ts'
import { type Contestant, interleave, type Timed } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { atLeast, type Report } from './report.ts'
import { openStore, type Store } from './store.ts'

const ROWS = 1_000_000
const ROUNDS = 3
const LINES_AT_ONCE = 10_000

const COLUMNS: DataTableColumn[] = [
  { name: 'sku', dataType: 'string', constraint: 'unique' },
  { name: 'name', dataType: 'string', constraint: 'required' },
  { name: 'category', dataType: 'string', constraint: 'optional' },
  { name: 'price', dataType: 'number', constraint: 'optional' },
  { name: 'quantity', dataType: 'number', constraint: 'optional' },
  { name: 'active', dataType: 'boolean', constraint: 'optional' },
  { name: 'rating', dataType: 'number', constraint: 'optional' },
  { name: 'note', dataType: 'string', constraint: 'optional' },
]
const BARE = ['text unique', 'text', 'text', 'float8', 'float8', 'boolean', 'float8', 'text']
const CATEGORIES = ['pumps', 'valves', 'sensors', 'motors', 'cables']
const HEADER = COLUMNS.map(({ name }) => name).join(',')

/** `rows` is the number of rows of the file. */
export async function benchTables(options: BenchOptions): Promise<Report> {
  const rows = options.rows ?? ROWS
  await using store = await openStore()
  const file = join(store.folder, 'rows.csv')
  await writeCsv(file, rows)
  const full = await importTable(store, file, rows)
  const bare = await importBare(store, file)
  const contestants: Contestant[] = [
    { name: 'import, ours', run: () => timed(async () => drop(store, await importTable(store, file, rows))) },
    { name: 'import, COPY', run: () => timed(async () => dropBare(store, await importBare(store, file))) },
    { name: 'export, ours', run: () => timed(() => exportTable(store, full)) },
    { name: 'export, COPY', run: () => timed(() => exportBare(store, bare)) },
  ]
  const gate = createGate()
  const found = await interleave(contestants, options.rounds ?? ROUNDS, gate.pass)
  await requireRows(join(store.folder, 'ours.csv'), rows)
  return report(rows, found, (await stat(file)).size, gate.told)
}

async function timed(work: () => Promise<void>): Promise<number> {
  const from = performance.now()
  await work()
  return performance.now() - from
}

async function writeCsv(file: string, rows: number): Promise<void> {
  await using handle = await open(file, 'w')
  await handle.write(`${HEADER}\n`)
  for (let row = 0; row < rows; row += LINES_AT_ONCE) {
    const lines = Array.from({ length: Math.min(LINES_AT_ONCE, rows - row) }, (_, index) => lineOf(row + index))
    await handle.write(lines.join(''))
  }
}

function lineOf(row: number): string {
  const chance = Math.imul(row + 1, 0x9e3779b1) >>> 0 // scattered, but the same every time
  const note = chance % 10 === 0 ? '' : `"lot ${chance % 977}, shelf ${chance % 41}"`
  const category = CATEGORIES[chance % CATEGORIES.length]
  const numbers = `${(chance % 100_000) / 100},${chance % 1000},${chance % 3 > 0},${(chance % 50) / 10}`
  return `SKU-${chance.toString(36)}-${row},article ${row},${category},${numbers},${note}\n`
}

/** Gives the id of a new table that holds the file's rows. */
async function importTable({ db, applicationId }: Store, file: string, rows: number): Promise<string> {
  const { id } = await createDataTable(db, applicationId, { name: 'articles', columns: COLUMNS })
  const signal = new AbortController().signal
  const imported = await db.transaction(
    async (tx) => {
      const table = await openTable(tx, applicationId, id, { lock: true })
      return importCsv(tx, table, { file, createMissingColumns: false, truncate: false, signal })
    },
    { statementTimeoutMs: 0 },
  )
  if (imported.rows !== rows) throw new Error(`${imported.rows} rows came in of ${rows}`)
  return id
}

const drop = async ({ db }: Store, id: string) => {
  await db.query(`drop table "rows"."t_${id}"`)
  await db.query('delete from data_tables where id = $1', [id])
}

async function exportTable({ db, applicationId, folder }: Store, id: string): Promise<void> {
  const table = { applicationId, dataTableId: id }
  await exportRows(db, table, {}, join(folder, 'ours.csv'), new AbortController().signal)
}

let bareTables = 0

/** The same rows in a table without ids and times of their own, taken as they are. */
async function importBare({ db }: Store, file: string): Promise<string> {
  bareTables += 1
  const name = `bare_${bareTables}`
  await db.transaction(async (tx) => {
    await tx.query(
      `create table ${name} (${COLUMNS.map((column, index) => `${column.name} ${BARE[index]}`).join(', ')})`,
    )
    await pipeline(createReadStream(file), tx.copyFrom(`copy ${name} from stdin (format csv, header)`))
  })
  return name
}

const dropBare = async ({ db }: Store, name: string) => {
  await db.query(`drop table ${name}`)
}

async function exportBare({ db, folder }: Store, name: string): Promise<void> {
  const copy = (tx: Transaction) =>
    pipeline(tx.copyTo(`copy ${name} to stdout (format csv, header)`), createWriteStream(join(folder, 'bare.csv')))
  await db.transaction(copy)
}

/** @throws when the file has another number of lines than the rows and a header; no value here has a line break */
async function requireRows(file: string, rows: number): Promise<void> {
  let lines = 0
  for await (const chunk of createReadStream(file)) {
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines += 1
  }
  if (lines !== rows + 1) throw new Error(`${file} has ${lines} lines for ${rows} rows`)
}

function report(rows: number, found: readonly Timed[], bytes: number, told: string): Report {
  const rate = (name: string) => (rows / (found.find((row) => row.name === name)?.medianMs ?? Number.NaN)) * 1000
  return {
    name: 'tables',
    says: `${rows} rows of ${COLUMNS.length} columns, one of them unique, ${Math.round(bytes / 1e6)} MB of CSV`,
    tables: [
      {
        head: ['', 'median, ms', 'min', 'max', 'rows/s'],
        rows: found.map(({ name, medianMs, minMs, maxMs }) => [name, medianMs, minMs, maxMs, rate(name)]),
      },
    ],
    bars: [
      atLeast('import, rows/s', rate('import, ours'), 100_000, ''),
      atLeast('export, rows/s', rate('export, ours'), 500_000, ''),
    ],
    notes: [
      'Import: one transaction that locks the table, checks every value and commits. The table is dropped within the time.',
      `Ours against COPY: import ${(rate('import, ours') / rate('import, COPY')).toFixed(2)}, export ${(rate('export, ours') / rate('export, COPY')).toFixed(2)} times its rate; COPY has no ids and times to write and checks less.`,
      told,
    ],
  }
}
