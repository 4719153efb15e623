/** What can be asked for rows: the pool, a transaction, a dedicated session. Functions take it as their first argument. */

import { createHash } from 'node:crypto'
import type pg from 'pg'

/** A statement that each session parses and plans once, under this name. */
export interface Prepared {
  readonly name: string
  readonly text: string
}

/**
 * For the few statements that nearly every request asks, where parsing them costs as much as running them. Not for texts
 * that are put together: a session keeps each for good.
 */
export const prepared = (text: string): Prepared => ({
  name: createHash('sha256').update(text).digest('hex').slice(0, 16),
  text,
})

export interface Queryable {
  /**
   * All rows, of every statement of the text. bigint comes as a number, timestamptz as a Date, jsonb parsed, numeric as a string. A value that is an
   * array becomes a PostgreSQL array; for jsonb pass JSON.stringify(value).
   */
  query<Row>(text: string | Prepared, values?: readonly unknown[]): Promise<Row[]>
  /** The only row, or undefined; a second row is a mistake in the statement and throws. */
  one<Row>(text: string | Prepared, values?: readonly unknown[]): Promise<Row | undefined>
}

/** The two query methods over any way of running a statement. */
export function createQueryable(run: (statement: pg.QueryConfig) => Promise<pg.QueryResult>): Queryable {
  const query: Queryable['query'] = async <Row>(text: string | Prepared, values?: readonly unknown[]) =>
    // Without values the text goes unprepared, and only so may it hold several statements.
    rowsOf<Row>(
      await run({ ...(typeof text === 'string' ? { text } : text), ...(values ? { values: [...values] } : {}) }),
    )
  const one: Queryable['one'] = async <Row>(text: string | Prepared, values?: readonly unknown[]) => {
    const rows = await query<Row>(text, values)
    if (rows.length > 1) {
      throw new Error(`One row was expected and ${rows.length} came back: ${textOf(text)}`)
    }
    return rows[0]
  }
  return { query, one }
}

export const textOf = (statement: string | Prepared) => (typeof statement === 'string' ? statement : statement.text)

/** The rows of a result, of each statement after the other where a text had several (pg's types leave that out). */
function rowsOf<Row>(result: pg.QueryResult | pg.QueryResult[]): Row[] {
  // The one place where a row gets its type: SQL text carries none, so the caller states the columns it selected.
  return (Array.isArray(result) ? result.flatMap(({ rows }) => rows) : result.rows) as Row[]
}
