/** What a query may ask about: the fields of one resource, each with the trusted SQL that answers it. */

export type ScalarType = 'string' | 'number' | 'boolean' | 'time' | 'id'

/** A field with one value, or none (SQL null). */
export interface ScalarField {
  /** Trusted SQL of the value. */
  readonly sql: string
  /** `id`: 24 hexadecimal digits, in any case; `time`: ISO 8601, or epoch milliseconds as a number or as digits. */
  readonly type: ScalarType
}

/**
 * A field with any number of values, asked as MongoDB asks an array: an operator holds when it holds for one of the
 * values, `$ne`, `$nin` and null when it holds for none.
 */
export interface EachField extends ScalarField {
  /** Trusted SQL to select the values from, `unnest(ancestor_ids) as item`; `sql` is one value of it, never null. */
  readonly each: string
}

export interface CustomField {
  /**
   * The SQL of whatever stands at `path`; pushes what it compares with on `values` and speaks of it as `$n`, n being the
   * new length. Null counts as false. @throws invalid naming the path of the fault
   */
  readonly custom: (value: unknown, path: string, values: unknown[]) => string
}

export type QueryField = ScalarField | EachField | CustomField

/** Finds a field by its public name; the names, when they are given, are what a refusal lists. */
export interface QueryFields {
  (name: string): QueryField | undefined
  readonly names?: readonly string[]
}

/** The lookup of a fixed set of fields. */
export function knownFields(fields: Readonly<Record<string, QueryField>>): QueryFields {
  const find = (name: string) => (Object.hasOwn(fields, name) ? fields[name] : undefined)
  return Object.assign(find, { names: Object.keys(fields) })
}
