/** Questions about the merged states of a slice, asked in DuckDB's SQL. */

import { type Readers, readSources } from './reading.ts'
import { cell, kindsOf, relationOf, TYPES } from './relation.ts'
import { KINDS, type Kind, type Slice } from './slice.ts'

export interface SliceSource {
  /**
   * A relation, `from ${source.rows}`: `device_id` (varchar), `ts` (bigint, epoch ms) and what `value` names; one row for
   * each device and time that has any of the attributes, in no order.
   */
  readonly rows: string
  /** The columns of one attribute of the slice; in a row at most one of them is not null. */
  value(attribute: string): Readonly<Record<Kind, string>>
}

/** Rows of the statement that `toSql` gives; 64-bit numbers come as numbers. Values in it go through `literal` of sql.ts. */
export async function queryStates<Row>(
  readers: Readers,
  slice: Slice,
  toSql: (source: SliceSource) => string,
  signal: AbortSignal,
): Promise<Row[]> {
  const wanted = { ...slice, deviceIds: [...new Set(slice.deviceIds)].sort() }
  return readSources(readers, wanted, signal, async ({ duck, sources, view }) => {
    const kinds = wanted.attributes.map((_, index) => kindsOf(sources, index))
    const relation = relationOf(sources, { ...view.range, deviceIds: wanted.deviceIds })
    const present = kinds.flatMap((of, index) => of.map((kind) => `${cell(index, kind)} is not null`))
    const missing = kinds.flatMap((of, index) =>
      KINDS.filter((kind) => !of.includes(kind)).map((kind) => `, null::${TYPES[kind]} as ${cell(index, kind)}`),
    )
    const rows = `(select *${missing.join('')} from (${relation}) where ${present.join(' or ') || 'false'})`
    const value = (attribute: string) => {
      const index = wanted.attributes.indexOf(attribute)
      if (index < 0) throw new Error(`"${attribute}" is not an attribute of the slice`)
      return { number: cell(index, 'number'), text: cell(index, 'text'), boolean: cell(index, 'boolean') }
    }
    return duck.rows<Row>(toSql({ rows, value }))
  })
}
