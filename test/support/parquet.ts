/** Parquet files as another program reads them: by DuckDB, in the process of the test. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'

/** The rows of a Parquet file, 64-bit numbers as numbers. */
export async function readParquet(bytes: Buffer): Promise<Record<string, unknown>[]> {
  const folder = await mkdtemp(join(tmpdir(), 'fieldbook-parquet-'))
  try {
    const file = join(folder, 'file.parquet')
    await writeFile(file, bytes)
    const connection = await (await DuckDBInstance.create(':memory:')).connect()
    const reader = await connection.runAndReadAll(`select * from read_parquet('${file}')`)
    const plain = (value: unknown) => (typeof value === 'bigint' ? Number(value) : value)
    return reader
      .getRowObjectsJS()
      .map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, plain(value)])))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
