/** The merged states of devices as a file: CSV or Parquet, rows by device id, then time. */

import { createWriteStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { DuckSession } from '../duckdb/duckdb.ts'
import { identifier, literal } from '../duckdb/sql.ts'
import type { Transaction } from '../postgres/database.ts'
import { copyMergedCsv } from './hot.ts'
import { type Readers, type Reading, readSources } from './reading.ts'
import { cell, kindsOf, relationOf, type Sources } from './relation.ts'
import { type StatesExport, type TimeRange, USUAL_LEADING } from './slice.ts'
import { cellText } from './texts.ts'

/** Writes the file; when it returns the file is whole. A slice without devices has a header and no rows. */
export async function exportStates(
  readers: Readers,
  wanted: StatesExport,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const slice = { ...wanted, deviceIds: [...new Set(wanted.deviceIds)].sort() }
  const hotOnly = (tx: Transaction, { range }: { range: TimeRange }) => exportHot(tx, slice, range, file, signal)
  await readSources(
    readers,
    slice,
    signal,
    (reading) => write(reading, slice, file),
    isCsv(wanted) ? hotOnly : undefined,
  )
}

const ISO_DATE = `strftime(make_timestamp(ts * 1000), '%Y-%m-%dT%H:%M:%S.%gZ')`

const isCsv = ({ format = 'csv' }: StatesExport) => format === 'csv'

/** Nothing is sealed: PostgreSQL writes the rows, which takes a few milliseconds for most inputs. */
async function exportHot(
  tx: Transaction,
  slice: StatesExport,
  range: TimeRange,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const rows = copyMergedCsv(tx, slice, range)
  const csv = createWriteStream(file)
  csv.write(headerOf(slice))
  await pipeline(rows, csv, { signal })
}

async function write(
  { duck, sources, view }: Reading & { sources: Sources },
  slice: StatesExport,
  file: string,
): Promise<void> {
  const relation = relationOf(sources, { ...view.range, deviceIds: slice.deviceIds })
  const kinds = slice.attributes.map((_, index) => kindsOf(sources, index))
  const present = kinds.flatMap((of, index) => of.map((kind) => cell(index, kind)))
  const rows = `from (${relation}) where ${present.length > 0 ? `${present.map((name) => `${name} is not null`).join(' or ')}` : 'false'}
    order by device_id, ts`
  if (isCsv(slice)) {
    const cells = kinds.map((of, index) => {
      const columns = of.map((kind) => ({ kind, sql: cell(index, kind) }))
      return `${cellText(columns, false)} as a${index}`
    })
    const { id, date } = slice.leading ?? USUAL_LEADING
    const leading = [...(id ? ['device_id'] : []), 'ts', ...(date ? [ISO_DATE] : [])]
    await writeCsv(duck, `select ${[...leading, ...cells].join(', ')} ${rows}`, headerOf(slice), file)
  } else {
    const cells = slice.attributes.map(
      (name, index) => `${typedCell(kinds[index] ?? [], index)} as ${identifier(name)}`,
    )
    await duck.run(`copy (select ${[`device_id as "ID"`, `ts as "Timestamp"`, ...cells].join(', ')} ${rows})
      to ${literal(file)} (format parquet, compression zstd)`)
  }
}

/** DuckDB ends a row before the next one begins, and the last one with the suffix; names of columns it would change. */
async function writeCsv(duck: DuckSession, select: string, header: string, file: string): Promise<void> {
  const [written] = await duck.rows<{ Count: number }>(
    `copy (${select}) to ${literal(file)} (format csv, header false, prefix ${literal(header)}, suffix '\n')`,
  )
  if (written?.Count === 0) await writeFile(file, header)
}

/** An attribute of one kind keeps its type; one that was of several is text, as in CSV. */
function typedCell(of: readonly ('number' | 'text' | 'boolean')[], index: number): string {
  const [only, ...others] = of
  if (only === undefined) return 'null::varchar'
  if (others.length === 0) return cell(index, only)
  return cellText(
    of.map((kind) => ({ kind, sql: cell(index, kind) })),
    false,
  )
}

/** Written here, because PostgreSQL would cut a name that is longer than 63 bytes. */
function headerOf({ attributes, leading: { id, date } = USUAL_LEADING }: StatesExport): string {
  const names = [...(id ? ['ID'] : []), 'Timestamp', ...(date ? ['ISO Date'] : []), ...attributes]
  return `${names.map(quoted).join(',')}\n`
}

const quoted = (name: string) => (/[",\r\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name)
