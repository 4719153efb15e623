/** How column values of PostgreSQL become JavaScript values, the same on every session. */

import pg from 'pg'

const BIGINT = 20
const BIGINT_ARRAY = 1016

/** bigint as a number: our counters, sizes and sequence numbers stay far below 2^53, and one that did not must not be rounded. */
export const columnTypes = new pg.TypeOverrides()
columnTypes.setTypeParser(BIGINT, toSafeInteger)
columnTypes.setTypeParser(BIGINT_ARRAY, (text: string) =>
  text === '{}'
    ? []
    : text
        .slice(1, -1)
        .split(',')
        .map((item) => (item === 'NULL' ? null : toSafeInteger(item))),
)

function toSafeInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value))
    throw new Error(`The bigint ${text} does not fit a JavaScript number; select it as text.`)
  return value
}
