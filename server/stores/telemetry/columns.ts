/** The values that a question is about, each an attribute with one kind of value, as columns of a DuckDB statement. */

import type { SliceSource } from './query.ts'
import type { Kind } from './slice.ts'

export interface ValueColumn {
  readonly attribute: string
  readonly kind: Kind
}

/** The column of a source. */
export const sqlOf = (source: SliceSource, { attribute, kind }: ValueColumn): string => source.value(attribute)[kind]

/** What an answer may hold at most. Texts are up to 64 KiB each, so that rows alone bound nothing. */
export interface AnswerBounds {
  readonly rows: number
  /** UTF-8 bytes of all texts together. */
  readonly textBytes: number
}

/**
 * The rows of `points`, a relation with `device_id`, `ts` and the columns `texts`, by device, then time; cut off after
 * the first row too many, so that whoever reads them can tell (`exceeds`).
 */
export function boundedSql(
  points: string,
  texts: readonly string[],
  newestFirst: boolean,
  bounds: AnswerBounds,
): string {
  const order = `order by device_id, ts ${newestFirst ? 'desc' : 'asc'}`
  const size = texts.map((name) => `coalesce(strlen(${name}), 0)`).join(' + ') || '0'
  return `with points as (${points}),
    sized as (select *, row_number() over place as nth, sum(${size}) over place as bytes, ${size} as own
      from points window place as (${order} rows unbounded preceding))
    select * exclude (own) from sized where nth <= ${bounds.rows + 1} and bytes - own <= ${bounds.textBytes} ${order}`
}

/** Whether an answer of `boundedSql` was cut off. */
export function exceeds(
  rows: readonly { readonly nth: number; readonly bytes: number }[],
  bounds: AnswerBounds,
): boolean {
  const last = rows.at(-1)
  return last !== undefined && (last.nth > bounds.rows || last.bytes > bounds.textBytes)
}
