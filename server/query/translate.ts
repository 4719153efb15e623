/**
 * The query language of lists, inputs and bulk operations (MongoDB-like, behaviour dossier §3.9) as a condition of SQL.
 * Only fields and operators of a whitelist get into the text; what a caller wrote goes into the values.
 *
 * A condition may come out as SQL's null, which counts as false: `and` and `or` keep that meaning, and a negation is
 * written `(…) is not true`.
 */

import { invalid } from '../ground/errors.ts'
import { translateEach, translateScalar } from './conditions.ts'
import type { QueryField, QueryFields } from './fields.ts'
import { isPlainObject, MAX_ITEMS, quote } from './parse.ts'

/** `$or` within `$and` within …: deeper than this is nothing a person wrote. */
const MAX_DEPTH = 12

/** Fields asked about in the whole query; each one becomes a term of the SQL, and PostgreSQL plans them all. */
const MAX_CONDITIONS = 500

const COMBINATORS: Record<string, (terms: readonly string[]) => string> = {
  $and: (terms) => (terms.length === 0 ? 'true' : terms.join(' and ')),
  // Of no alternatives none holds: an empty list must not widen what is deleted.
  $or: (terms) => (terms.length === 0 ? 'false' : terms.join(' or ')),
  $nor: (terms) => (terms.length === 0 ? 'true' : `(${terms.join(' or ')}) is not true`),
}

/**
 * The condition of a query object, ready to stand after `where … and`; `{}` is `true`. What it compares with is pushed on
 * `values`, numbered on from those already there.
 * @throws invalid naming the path of the fault, `query.$or.1.name.$foo`
 */
export function translateQuery(
  query: unknown,
  fields: (name: string) => QueryField | undefined,
  values: unknown[],
  path = 'query',
): string {
  return translate(query, { fields, values, conditions: 0 }, path, 0)
}

interface Translation {
  readonly fields: QueryFields
  readonly values: unknown[]
  conditions: number
}

function translate(query: unknown, job: Translation, path: string, depth: number): string {
  if (!isPlainObject(query)) throw invalid(`${path} must be an object of fields and operators`)
  if (depth > MAX_DEPTH) throw invalid(`${path} is nested more than ${MAX_DEPTH} levels deep`)
  const terms = Object.entries(query).map(([name, value]) =>
    name.startsWith('$')
      ? combine(name, value, job, `${path}.${name}`, depth)
      : ask(name, value, job, `${path}.${name}`),
  )
  if (terms.length === 0) return 'true'
  return `(${terms.join(' and ')})`
}

function combine(name: string, list: unknown, job: Translation, path: string, depth: number): string {
  const combinator = Object.hasOwn(COMBINATORS, name) ? COMBINATORS[name] : undefined
  if (!combinator) {
    throw invalid(`${path} is not an operator; allowed are ${Object.keys(COMBINATORS).join(', ')}, and fields`)
  }
  if (!Array.isArray(list) || list.length > MAX_ITEMS) {
    throw invalid(`${path} must be a list of at most ${MAX_ITEMS} queries`)
  }
  const terms = list.map((query, index) => translate(query, job, `${path}.${index}`, depth + 1))
  return `(${combinator(terms)})`
}

function ask(name: string, value: unknown, job: Translation, path: string): string {
  const field = job.fields(name)
  if (!field) {
    const allowed = job.fields.names ? `; allowed are ${job.fields.names.join(', ')}` : ''
    throw invalid(`${path.slice(0, -name.length)}${quote(name)} is not a field${allowed}`)
  }
  job.conditions += 1
  if (job.conditions > MAX_CONDITIONS) throw invalid(`${path} is one condition too many; a query has ${MAX_CONDITIONS}`)
  if ('custom' in field) {
    const before = job.values.length
    const sql = `(${field.custom(value, path, job.values)})`
    // One field may ask of a hundred tags, each of which is a term of the SQL as well.
    job.conditions += Math.max(0, job.values.length - before - 1)
    return sql
  }
  if ('each' in field) return translateEach(field, value, path, job.values)
  return translateScalar(field, value, path, job.values)
}
