/**
 * A CSV file into a data table, all rows or none: values are checked against the columns one by one, so that the first
 * bad row, column and value can be named, and go to PostgreSQL by COPY.
 */

import { createReadStream } from 'node:fs'
import { addAbortSignal, pipeline as join } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CsvError, type Parser, parse } from 'csv-parse'
import type { DataTableColumn } from '../../contract/data-tables.ts'
import { invalid } from '../ground/errors.ts'
import { newId } from '../ground/ids.ts'
import type { Transaction } from '../stores/postgres/transaction.ts'
import { COPY_NULL, copyCell, copyText, TypeGuess } from './cells.ts'
import { addColumns, ROW_FIELDS, requireRoom, rowsOf, type StoredColumn, type StoredTable } from './columns.ts'
import { isTooLong, MAX_UNIQUE_BYTES, shorten, tellViolation } from './constraints.ts'
import { rebuildWhenFull } from './rebuild.ts'

export interface CsvImport {
  /** Path that can be opened for reading, any number of times. */
  readonly file: string
  readonly createMissingColumns: boolean
  readonly truncate: boolean
  readonly signal: AbortSignal
}

export interface ImportResult {
  readonly rows: number
  /** Columns of the file that the table does not have. */
  readonly ignoredColumns: readonly string[]
}

const COLUMN_NAME = /^[0-9a-zA-Z_-]{1,255}$/

/** A record longer than this is no table row but a missing quote. */
const MAX_RECORD_BYTES = 16 * 1024 * 1024

/**
 * Imports within the caller's transaction; the caller has locked the table.
 * @throws invalid naming the header, or the row, column and value that can't be stored
 */
export async function importCsv(tx: Transaction, table: StoredTable, wanted: CsvImport): Promise<ImportResult> {
  try {
    return await importRecords(tx, table, wanted)
  } catch (error) {
    throw error instanceof CsvError ? invalid(`The file is not CSV as it should be: ${error.message}`, error) : error
  }
}

async function importRecords(tx: Transaction, table: StoredTable, wanted: CsvImport): Promise<ImportResult> {
  const header = await readHeader(wanted)
  const known = new Set(table.columns.map(({ name }) => name))
  const unknown = header.filter((name) => !known.has(name) && !ROW_FIELDS.includes(name))
  let target = table
  if (wanted.createMissingColumns && unknown.length > 0) {
    requireRoom(table, unknown.length) // before so many are looked at
    for (const name of unknown) requireColumnName(name, header.indexOf(name))
    const wide = await rebuildWhenFull(tx, table)
    target = await addColumns(tx, wide, await guessTypes(wanted, header, unknown))
  }
  if (wanted.truncate) await tx.query(`delete from ${rowsOf(table.id)}`)
  const rows = await copyRows(tx, target, header, wanted)
  return { rows, ignoredColumns: wanted.createMissingColumns ? [] : unknown }
}

/** Who stops reading early closes the file with it, and what goes wrong with the file reaches who reads. */
function records(wanted: CsvImport, fromLine: number): Parser {
  const options = {
    bom: true,
    skip_empty_lines: true,
    relax_column_count: true,
    max_record_size: MAX_RECORD_BYTES,
    from: fromLine,
  }
  const parser = join(createReadStream(wanted.file), parse(options), () => {}) // the reader hears of the error
  // A read stream that is given a signal aborted already never closes its file (Node 24.21), so the parser has it.
  return addAbortSignal(wanted.signal, parser)
}

async function readHeader(wanted: CsvImport): Promise<string[]> {
  for await (const record of records(wanted, 1)) {
    const header: string[] = record
    const seen = new Set<string>()
    for (const name of header) {
      if (seen.has(name)) throw invalid(`The header names column "${name}" twice`)
      seen.add(name)
    }
    return header
  }
  throw invalid('The file is empty; a CSV file starts with a line of column names')
}

function requireColumnName(name: string, index: number): void {
  if (COLUMN_NAME.test(name)) return
  const hint = name === '' ? ' (pandas writes its index there; to_csv(…, index=False) leaves it out)' : ''
  throw invalid(
    `Column ${index + 1} of the header is named "${name}"${hint}; a column name has 1 to 255 letters, digits, "_" or "-"`,
  )
}

/** The narrowest type that holds every value of each column: number, boolean, else string. */
async function guessTypes(wanted: CsvImport, header: string[], names: string[]): Promise<DataTableColumn[]> {
  const guesses = names.map((name) => ({ name, index: header.indexOf(name), guess: new TypeGuess() }))
  for await (const record of records(wanted, 2)) {
    for (const { index, guess } of guesses) guess.see(record[index] ?? '')
  }
  return guesses.map(({ name, guess }) => ({ name, dataType: guess.type, constraint: 'optional' }))
}

/** Characters that go to PostgreSQL at a time: enough for the socket, little for the heap. */
const PIECE_LENGTH = 65_536

async function copyRows(tx: Transaction, table: StoredTable, header: string[], wanted: CsvImport): Promise<number> {
  const names = ['id', ...table.columns.map(({ stored }) => stored)].join(', ')
  const toLine = lineMaker(table, header)
  let rows = 0
  const bad: unknown[] = []
  // One long text for many rows: a stream that is given each row by itself spends more on that than on the rows.
  // Not a part of the pipeline by itself, which would end with the parser's error at once.
  async function* toLines(): AsyncGenerator<string> {
    let piece = ''
    try {
      for await (const record of records(wanted, 2)) {
        rows += 1
        piece += toLine(record, rows)
        if (piece.length < PIECE_LENGTH) continue
        yield piece
        piece = ''
      }
    } catch (error) {
      wanted.signal.throwIfAborted()
      bad.push(error) // what came before it is still sent: a value that is there twice may be the first bad one
    }
    yield piece
  }
  try {
    await pipeline(toLines(), tx.copyFrom(`copy ${rowsOf(table.id)} (${names}) from stdin`))
  } catch (error) {
    throw tellViolation(error, table)
  }
  if (bad.length > 0) throw bad[0]
  return rows
}

/** Makes a line of COPY of a record. @throws invalid naming row, column and value */
function lineMaker(table: StoredTable, header: readonly string[]): (record: readonly string[], row: number) => string {
  const places = table.columns.map((column) => {
    const index = header.indexOf(column.name)
    const { defaultValue } = column
    const absent = defaultValue === undefined ? COPY_NULL : copyText(String(defaultValue))
    return { column, index, absent, isRequired: column.constraint === 'required' }
  })
  return (record, row) => {
    if (record.length !== header.length) {
      throw invalid(`Row ${row} has ${record.length} cells, the header has ${header.length}`)
    }
    let line = newId()
    for (const { column, index, absent, isRequired } of places) {
      const cell = record[index]
      const text = cell === undefined ? absent : copyCell(column.dataType, cell)
      if (text === undefined) throw badCell(column, row, `: "${shorten(cell ?? '')}" is not a ${column.dataType}`)
      if (isRequired && text === COPY_NULL) throw badCell(column, row, ' is empty, but the column is required')
      if (isTooLong(column, cell))
        throw badCell(column, row, ` is unique, so it must have at most ${MAX_UNIQUE_BYTES} bytes`)
      line += `\t${text}`
    }
    return `${line}\n`
  }
}

const badCell = ({ name }: StoredColumn, row: number, says: string) => invalid(`Row ${row}, column "${name}"${says}`)
