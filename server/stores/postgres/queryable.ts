/** What can be asked for rows: the pool, a transaction, a dedicated session. Functions take it as their first argument. */

import type pg from 'pg'

export interface Queryable {
  /**
   * All rows. bigint comes as a number, timestamptz as a Date, jsonb parsed, numeric as a string. A value that is an
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

/** The rows of a result; a text of several statements has several results (pg's types leave that out): the last counts. */
function rowsOf<Row>(result: pg.QueryResult | pg.QueryResult[]): Row[] {
  const last = Array.isArray(result) ? result.at(-1) : result
  // The one place where a row gets its type: SQL text carries none, so the caller states the columns it selected.
  return (last?.rows ?? []) as Row[]
}
