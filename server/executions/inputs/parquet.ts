/**
 * Tables as Parquet, which the original does not have: a file name that ends in `.parquet` is the wish. The values are
 * those of the CSV: times of states as whole milliseconds, numbers as doubles, booleans as booleans, the rest as text.
 */

import { rm } from 'node:fs/promises'
import type { Column, Gather, GatherTable } from './input.ts'

const TYPES: Record<Column['type'], string> = {
  text: 'VARCHAR',
  number: 'DOUBLE',
  boolean: 'BOOLEAN',
  milliseconds: 'BIGINT',
}

export const wantsParquet = (file: string) => file.endsWith('.parquet')

/** Writes a table in the format its file name says: CSV, or Parquet made of that CSV. */
export const inFormatOfName =
  <Input>(gather: GatherTable<Input>): Gather<Input> =>
  async (input, file, staging) => {
    if (!wantsParquet(file)) {
      await gather(input, file, staging)
      return
    }
    const csv = staging.scratch()
    try {
      const columns = await gather(input, csv, staging)
      const typed = columns.map(({ name, type }) => [name, TYPES[type]] as const)
      await staging.duckdb.toParquet(csv, typed, file, staging.signal)
    } finally {
      await rm(csv, { force: true })
    }
  }
