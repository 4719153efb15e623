/** The last value that devices reported of each attribute, as DuckDB's SQL. Pure: text in, text out. */

import { sqlOf, type ValueColumn } from './columns.ts'
import type { SliceSource } from './query.ts'

/** The columns of a value and of when it was reported, by place. */
export const latestColumns = (index: number) => ({ value: `v${index}`, time: `at${index}` })

/** One row for each device that has any of the values: `device_id`, `ts` of the newest of them, and `latestColumns`. */
export function latestSql(columns: readonly ValueColumn[], source: SliceSource): string {
  const values = columns.flatMap((column, index) => {
    const name = sqlOf(source, column)
    const known = `filter (where ${name} is not null)`
    const { value, time } = latestColumns(index)
    return [`arg_max(${name}, ts) ${known} as ${value}`, `max(ts) ${known} as ${time}`]
  })
  return `select ${['device_id', 'max(ts) as ts', ...values].join(', ')} from ${source.rows} group by device_id`
}
