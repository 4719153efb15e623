/** The names in the first line of a CSV file of ours. */

import { createReadStream } from 'node:fs'
import { parse } from 'csv-parse'

/** Reads no more of the file than its first line. */
export async function readHeader(file: string): Promise<string[]> {
  const rows = createReadStream(file).pipe(parse({ to: 1 }))
  for await (const row of rows) return row
  return []
}
