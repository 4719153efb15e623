/**
 * DuckDB in a process of its own, started with the first question and kept warm. What it does can be interrupted, and
 * if that does not help it is killed; after a crash the next question starts another one. It ends with the service.
 */

import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { newId } from '../../ground/ids.ts'
import { createTurns } from '../../ground/turns.ts'
import { type Child, startChild } from './process.ts'
import { identifier, literal } from './sql.ts'

export interface DuckDbOptions {
  /** Where DuckDB may put what does not fit in memory; a folder of our own is made in it and removed at the end. */
  readonly root: string
  /** What DuckDB keeps in memory at most, caches included; the process takes up to twice that. */
  readonly memoryBytes: number
  readonly threads: number
  /** How much it may put on disk meanwhile. */
  readonly temporaryBytes: number
  readonly log?: (event: string, fields: Record<string, unknown>) => void
}

/** Temporary tables are the session's own. Statements of a session run one after the other. */
export interface DuckSession {
  /** Rows of one statement, 64-bit numbers as numbers. */
  rows<Row>(sql: string): Promise<Row[]>
  /** One statement whose rows do not matter. */
  run(sql: string): Promise<void>
}

export interface DuckDb extends AsyncDisposable {
  /**
   * A connection for `work`. When the signal aborts the statement under way is interrupted and the reason is thrown.
   * @throws DuckDbLost when the process died
   */
  session<T>(signal: AbortSignal, work: (session: DuckSession) => Promise<T>): Promise<T>
  /** A CSV file with a header as Parquet (zstd). `columns` are its columns in order with their DuckDB types. */
  toParquet(
    csvFile: string,
    columns: readonly (readonly [name: string, type: string])[],
    parquetFile: string,
    signal: AbortSignal,
  ): Promise<void>
  /** The process, for health and tests; undefined while none runs. */
  readonly pid: number | undefined
}

/** More would only share the same cores and the same memory. */
const MOST_SESSIONS = 4

/** Makes the folder; the process starts with the first session. */
export async function openDuckDb(options: DuckDbOptions): Promise<DuckDb> {
  const { log = () => {} } = options
  const temporaryFolder = join(options.root, `duckdb-${newId()}`)
  await mkdir(temporaryFolder, { recursive: true })
  const inTurn = createTurns(MOST_SESSIONS)
  let child: Child | undefined
  let lastSession = 0
  let isClosed = false

  const running = (): Child => {
    if (isClosed) throw new Error('DuckDB is closed')
    if (child === undefined || child.isOver) child = startChild({ ...options, temporaryFolder }, log)
    return child
  }
  const session: DuckDb['session'] = (signal, work) =>
    inTurn(async () => {
      signal.throwIfAborted()
      const current = running()
      lastSession += 1
      const number = lastSession
      const rows: DuckSession['rows'] = async <Row>(sql: string) => (await current.ask(number, sql, signal)) as Row[] // as the caller selects them
      try {
        return await work({
          rows,
          run: async (sql) => {
            await current.ask(number, sql, signal)
          },
        })
      } finally {
        current.leave(number)
      }
    }, signal)
  return {
    session,
    toParquet: (csvFile, columns, parquetFile, signal) =>
      session(signal, (duck) => duck.run(parquetStatement(csvFile, columns, parquetFile))),
    get pid() {
      return child && !child.isOver ? child.pid : undefined
    },
    async [Symbol.asyncDispose]() {
      isClosed = true
      await child?.stop()
      await rm(temporaryFolder, { recursive: true, force: true })
    },
  }
}

/**
 * An empty cell is missing, and an empty text in quotes is empty. Columns are numbered on the way, because DuckDB does not
 * tell names apart that differ in capitals only; in the file the second of such names gets `_1`.
 */
function parquetStatement(csvFile: string, columns: readonly (readonly [string, string])[], parquetFile: string) {
  const types = columns.map(([, type], index) => `c${index}: ${literal(type)}`).join(', ')
  const names = columns.map(([name], index) => `c${index} as ${identifier(name)}`).join(', ')
  return `copy (select ${names} from read_csv(${literal(csvFile)}, header = true, auto_detect = false, delim = ',',
     quote = '"', escape = '"', strict_mode = true, max_line_size = 16777216, buffer_size = 33554432,
     allow_quoted_nulls = false, columns = {${types}}))
   to ${literal(parquetFile)} (format parquet, compression zstd)`
}
