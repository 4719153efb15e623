/** How values stand in CSV, as DuckDB expressions. The hot table's csv_cell (migration 8) writes the same texts. */

import type { Kind } from './slice.ts'

/** Below this every whole number is exact, and its text has no exponent. */
const PLAIN = '1e16'

/**
 * A number with as few digits as read back to the same number, `13` and not `13.0`, in decimals from 0.0001 up to 10^16
 * and with an exponent beyond (`1e-05`, `1e+21`): Python's repr without `.0`.
 */
export const numberText = (value: string) =>
  `case when ${value} = trunc(${value}) and abs(${value}) < ${PLAIN} then ${value}::bigint::varchar else ${value}::varchar end`

/** One expression for the cell of an attribute, of the columns it has. `whole`: its numbers are known to be whole. */
export function cellText(columns: readonly { kind: Kind; sql: string }[], whole: boolean): string {
  const parts = columns.map(({ kind, sql }) => {
    if (kind === 'text') return sql
    if (kind === 'boolean') return `${sql}::tinyint`
    return whole ? `${sql}::bigint` : numberText(sql)
  })
  const [only, ...others] = parts
  if (only === undefined) return 'NULL'
  return others.length === 0 ? only : `coalesce(${parts.map((part) => `(${part})::varchar`).join(', ')})`
}
