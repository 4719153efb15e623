/** The merged states of devices as a file: CSV or Parquet, rows by device id, then time. */

import { createReadStream, createWriteStream } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { csvLine } from '../../ground/csv.ts'
import { newId } from '../../ground/ids.ts'
import { writeRows } from '../../ground/write-rows.ts'
import type { DuckSession } from '../duckdb/duckdb.ts'
import { identifier, list, literal } from '../duckdb/sql.ts'
import type { Transaction } from '../postgres/database.ts'
import { copyMergedCsv, type HotView } from './hot.ts'
import { orderedRelation, type Part, partsOf, type Sorting } from './order.ts'
import { type Readers, type Reading, readSources } from './reading.ts'
import { cell, kindsOf, type Sources, TYPES } from './relation.ts'
import { type Kind, type StatesExport, type TimeRange, USUAL_LEADING } from './slice.ts'
import { cellText } from './texts.ts'

/** Writes the file; when it returns the file is whole. A slice without devices has a header and no rows. */
export async function exportStates(
  readers: Readers,
  wanted: StatesExport,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const slice = { ...wanted, deviceIds: [...new Set(wanted.deviceIds)].sort() }
  const hotOnly = (tx: Transaction, view: HotView) => exportHot(tx, slice, view, file, signal)
  await readSources(
    readers,
    slice,
    signal,
    (reading) => write(readers, reading, slice, file, signal),
    isCsv(wanted) ? hotOnly : undefined,
  )
}

const ISO_DATE = `strftime(make_timestamp(ts * 1000), '%Y-%m-%dT%H:%M:%S.%gZ')`

const isCsv = ({ format = 'csv' }: StatesExport) => format === 'csv'

/** Nothing is sealed: PostgreSQL writes the rows, which takes a few milliseconds for most inputs. */
async function exportHot(
  tx: Transaction,
  slice: StatesExport,
  view: HotView,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  await writeRows(copyMergedCsv(tx, slice, view), file, signal, headerOf(slice))
}

async function write(
  readers: Readers,
  { duck, sources, view }: Reading & { sources: Sources },
  slice: StatesExport,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const parts = partsOf(sources, slice.deviceIds, readers.sorting)
  if (!isCsv(slice)) {
    const select = (part: Part) => selectTyped(part, sources, slice, view.range, readers.sorting)
    return writeParquet(duck, parts.map(select), file, readers.scratch)
  }
  const [first, ...others] = parts
  if (!first) return writeFile(file, headerOf(slice))
  await writeCsv(duck, selectCells(first, slice, view.range, readers.sorting), headerOf(slice), file)
  const part = join(readers.scratch, `${newId()}.csv`)
  try {
    for (const other of others) {
      await duck.run(
        `copy (${selectCells(other, slice, view.range, readers.sorting)}) to ${literal(part)} (format csv, header false)`,
      )
      await pipeline(createReadStream(part), createWriteStream(file, { flags: 'a' }), { signal })
    }
  } finally {
    await rm(part, { force: true })
  }
}

/** The cells of one part as texts; they are made of sorted rows, because sorting texts takes twice as long. */
function selectCells(
  { sources, deviceIds }: Part,
  slice: StatesExport,
  range: TimeRange,
  sorting: Sorting | undefined,
): string {
  const cells = slice.attributes.map((_, index) => {
    const columns = kindsOf(sources, index).map((kind) => ({ kind, sql: cell(index, kind) }))
    return `${cellText(columns, false)} as a${index}`
  })
  const { id, date } = slice.leading ?? USUAL_LEADING
  const leading = [...(id ? ['device_id'] : []), 'ts', ...(date ? [ISO_DATE] : [])]
  return `select ${[...leading, ...cells].join(', ')} from (${orderedRelation(sources, { ...range, deviceIds }, sorting)})`
}

/** DuckDB ends a row before the next one begins, and the last one with the suffix; names of columns it would change. */
async function writeCsv(duck: DuckSession, select: string, header: string, file: string): Promise<void> {
  const [written] = await duck.rows<{ Count: number }>(
    `copy (${select}) to ${literal(file)} (format csv, header false, prefix ${literal(header)}, suffix '\n')`,
  )
  if (written?.Count === 0) await writeFile(file, header)
}

/** One file; several selects first become files of their own, which are then read one after the other, in order. */
async function writeParquet(
  duck: DuckSession,
  selects: readonly string[],
  file: string,
  scratch: string,
): Promise<void> {
  const copy = (select: string, to: string) =>
    duck.run(`copy (${select}) to ${literal(to)} (format parquet, compression zstd)`)
  const [only = '', ...others] = selects
  if (others.length === 0) return copy(only, file)
  const parts = selects.map(() => join(scratch, `${newId()}.parquet`))
  try {
    for (const [index, select] of selects.entries()) await copy(select, parts[index] ?? '')
    await copy(`select * from read_parquet(${list(parts)})`, file)
  } finally {
    await Promise.all(parts.map((part) => rm(part, { force: true })))
  }
}

/** The cells of one part in the types of the whole. */
function selectTyped(
  part: Part,
  whole: Sources,
  slice: StatesExport,
  range: TimeRange,
  sorting: Sorting | undefined,
): string {
  const cells = slice.attributes.map(
    (name, index) => `${typedCell(kindsOf(whole, index), kindsOf(part.sources, index), index)} as ${identifier(name)}`,
  )
  const { sources, deviceIds } = part
  return `select ${[`device_id as "ID"`, `ts as "Timestamp"`, ...cells].join(', ')}
    from (${orderedRelation(sources, { ...range, deviceIds }, sorting)})`
}

/** An attribute of one kind keeps its type; one that was of several is text, as in CSV. A part may lack some of them. */
function typedCell(kinds: readonly Kind[], inPart: readonly Kind[], index: number): string {
  const columns = kinds.map((kind) => ({
    kind,
    sql: inPart.includes(kind) ? cell(index, kind) : `null::${TYPES[kind]}`,
  }))
  const [only, ...others] = columns
  if (only === undefined) return 'null::varchar'
  return others.length === 0 ? only.sql : cellText(columns, false)
}

/** Written here, because PostgreSQL would cut a name that is longer than 63 bytes. */
function headerOf({ attributes, leading: { id, date } = USUAL_LEADING }: StatesExport): string {
  const names = [...(id ? ['ID'] : []), 'Timestamp', ...(date ? ['ISO Date'] : []), ...attributes]
  return csvLine(names)
}
