/** Values within the text of a statement, for the one that takes no parameters: COPY. Every other statement has some. */

import pg from 'pg'

export type Literal = string | number | boolean | readonly (string | number | boolean)[]

/**
 * The statement with an escaped literal in the place of each `$n`, which says its own type (`$1::float8[]`).
 * @throws Error when a value is missing
 */
export const withLiterals = (statement: string, values: readonly Literal[]) =>
  statement.replace(/\$(\d+)/g, (place, digits: string) => {
    const value = values[Number(digits) - 1]
    if (value === undefined) throw new Error(`The statement has ${place}, and ${values.length} values came with it`)
    return Array.isArray(value) ? `array[${value.map(literal).join(', ')}]` : literal(value)
  })

/** pg's own escaping, which also holds where backslashes mean something. */
const literal = (value: unknown) => ` ${pg.escapeLiteral(String(value))}`
