/** Rows of data tables as CSV, straight from PostgreSQL to a file: they never become objects here. */

import { csvLine } from '../ground/csv.ts'
import { invalid } from '../ground/errors.ts'
import { writeRows } from '../ground/write-rows.ts'
import { translateQuery } from '../query/translate.ts'
import type { Database, Transaction } from '../stores/postgres/database.ts'
import type { Literal } from '../stores/postgres/literals.ts'
import { ROW_FIELDS, rowsOf, type StoredColumn, type StoredTable } from './columns.ts'
import { readTable } from './data-tables.ts'
import { directionOf } from './listing.ts'
import { orderOf, rowFields } from './rows.ts'

/** Which rows, in which order; without anything all of them by their id. */
export interface RowsWanted {
  readonly query?: unknown
  readonly sortColumn?: string
  readonly sortDirection?: string
  /** Rows to leave out at the beginning. */
  readonly offset?: number
  readonly limit?: number
}

/** What messages call the parts of what is wanted. */
export interface WantedPaths {
  readonly query: string
  /** What the names of the others begin with. */
  readonly options: string
}

const PATHS: WantedPaths = { query: 'query', options: '' }

/**
 * Writes rows to `file` as CSV: `id,createdAt,updatedAt,<columns>`, times in ISO 8601 with milliseconds, booleans as true
 * and false, null as an empty cell and empty text as "". Gives the columns of the table. Holds a session of the pool
 * meanwhile, which may be long: callers bound how many they ask for at once.
 * @throws notFound; invalid naming the fault of the query, or a column to sort by that is none
 */
export async function exportRows(
  db: Database,
  { applicationId, dataTableId }: { applicationId: string; dataTableId: string },
  wanted: RowsWanted,
  file: string,
  signal: AbortSignal,
  paths: WantedPaths = PATHS,
): Promise<readonly StoredColumn[]> {
  const write = async (tx: Transaction, table: StoredTable) => {
    const { statement, values } = copyStatement(table, wanted, paths, await frequentTimes(tx, table))
    const rows = tx.copyTo(statement, values)
    // Written here, because PostgreSQL would cut a name that is longer than 63 bytes.
    const header = csvLine([...ROW_FIELDS, ...table.columns.map(({ name }) => name)])
    await writeRows(rows, file, signal, header)
    return table.columns
  }
  try {
    return await readTable(db, applicationId, dataTableId, write, { statementTimeoutMs: 0 })
  } catch (error) {
    // A session that is cut off in the middle looks like a database that went away.
    signal.throwIfAborted()
    throw error
  }
}

/** Whether the rows could be exported as wanted. @throws as exportRows */
export function checkWanted(table: StoredTable, wanted: RowsWanted, paths: WantedPaths): void {
  copyStatement(table, wanted, paths)
}

/** A time that many rows have, as PostgreSQL reads it and as the file has it. */
interface FrequentTime {
  readonly at: string
  readonly iso: string
}

/** Of fewer pages the texts of times take less than looking for the frequent ones. */
const MANY_PAGES = 500
const SAMPLED_PAGES = 50
/** Comparing is a tenth of writing; more than a few would cost what they save. */
const MOST_TIMES = 4

/** Rows mostly come many at once, with one time: what a few pages of a large table show. It is only quicker, never wrong. */
async function frequentTimes(tx: Transaction, { id }: StoredTable): Promise<FrequentTime[]> {
  const size = await tx.one<{ pages: number }>(
    `select pg_relation_size('${rowsOf(id)}') / current_setting('block_size')::integer as pages`,
  )
  const pages = size?.pages ?? 0
  if (pages < MANY_PAGES) return []
  return tx.query<FrequentTime>(
    `select created_at::text as at, ${isoTime('created_at')} as iso
     from ${rowsOf(id)} tablesample system (${(100 * SAMPLED_PAGES) / pages})
     group by created_at having count(*) > 50 order by count(*) desc limit ${MOST_TIMES}`,
  )
}

/**
 * Of a row that was never changed both times are the same text, and writing one is a quarter of what a row costs; the
 * offset, even of zero, keeps PostgreSQL from merging the two selects, which would write it twice.
 */
function copyStatement(
  table: StoredTable,
  wanted: RowsWanted,
  paths: WantedPaths,
  times: readonly FrequentTime[] = [],
) {
  // translateQuery pushes nothing else: operands of queries are text, numbers, booleans, and lists of those.
  const values: Literal[] = []
  const condition = translateQuery(wanted.query ?? {}, rowFields(table), values, paths.query)
  const order = orderOf(
    table,
    wanted.sortColumn || 'id',
    directionOf(wanted.sortDirection),
    `${paths.options}sortColumn`,
  )
  const known = times.map(({ at, iso }) => [`$${values.push(at)}::timestamptz`, `$${values.push(iso)}`] as const)
  const timeOf = (column: string) =>
    known.length === 0
      ? isoTime(column)
      : `case ${column} ${known.map(([at, iso]) => `when ${at} then ${iso}`).join(' ')} else ${isoTime(column)} end`
  const updated = `case when updated_at = created_at then created else ${timeOf('updated_at')} end`
  const cells = ['id', 'created', updated, ...table.columns.map(cellOf)].join(', ')
  const limit = bound(`${paths.options}limit`, wanted.limit)
  const offset = bound(`${paths.options}offset`, wanted.offset)
  const statement = `copy (
    select ${cells} from (
      select *, ${timeOf('created_at')} as created from ${rowsOf(table.id)} where ${condition} ${order}
      limit ${limit ?? 'all'} offset ${offset ?? 0}
    ) as chosen
  ) to stdout (format csv)`
  return { statement, values }
}

const isoTime = (sql: string) => `to_char(${sql} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`

/** A boolean by itself would be t or f. */
const cellOf = ({ stored, dataType }: StoredColumn) => (dataType === 'boolean' ? `${stored}::text` : stored)

/** PostgreSQL counts in 64 bits, of which JavaScript has 53. */
function bound(name: string, value: number | undefined): number | undefined {
  if (value === undefined) return undefined
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw invalid(`${name} must be a whole number of zero or more`)
}
