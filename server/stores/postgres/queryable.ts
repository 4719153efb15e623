/** What can be asked for rows: the pool, a transaction, a dedicated session. Functions take it as their first argument. */

import type pg from 'pg'

export interface Queryable {
  /**
   * All rows, of every statement of the text. bigint comes as a number, timestamptz as a Date, jsonb parsed, numeric as a string. A value that is an
   * array becomes a PostgreSQL array; for jsonb pass JSON.stringify(value).
   */
  query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>
  /** The only row, or undefined; a second row is a mistake in the statement and throws. */
  one<Row>(text: string, values?: readonly unknown[]): Promise<Row | undefined>
}

/** The two query methods over any way of running a statement. */
export function createQueryable(run: (text: string, values?: unknown[]) => Promise<pg.QueryResult>): Queryable {
  const query: Queryable['query'] = async <Row>(text: string, values?: readonly unknown[]) =>
    // Without values the text goes unprepared, and only so may it hold several statements.
    rowsOf<Row>(await (values ? run(text, [...values]) : run(text)))
  const one: Queryable['one'] = async <Row>(text: string, values?: readonly unknown[]) => {
    const rows = await query<Row>(text, values)
    if (rows.length > 1) throw new Error(`One row was expected and ${rows.length} came back: ${text}`)
    return rows[0]
  }
  return { query, one }
}

/** The rows of a result, of each statement after the other where a text had several (pg's types leave that out). */
function rowsOf<Row>(result: pg.QueryResult | pg.QueryResult[]): Row[] {
  // The one place where a row gets its type: SQL text carries none, so the caller states the columns it selected.
  return (Array.isArray(result) ? result.flatMap(({ rows }) => rows) : result.rows) as Row[]
}
