/** Values and names as they stand in DuckDB's SQL. Everything that is not a constant of ours goes through here. */

/** A value as SQL. Numbers have to be finite; a text cannot hold NUL. */
export function literal(value: string | number | boolean | undefined): string {
  if (value === undefined) return 'NULL'
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new Error(`${value} cannot be written as SQL`)
    return String(value)
  }
  if (value.includes('\u0000')) throw new Error('a text with NUL cannot be written as SQL')
  return `'${value.replaceAll("'", "''")}'`
}

/** A name of a column or table as SQL. DuckDB ignores the case of names: two that differ in nothing else are one. */
export const identifier = (name: string) => `"${name.replaceAll('"', '""')}"`

/** A list of values as SQL. */
export const list = (values: readonly (string | number)[]) => `[${values.map(literal).join(', ')}]`
