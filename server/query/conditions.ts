/** The operators on one field. */

import { invalid } from '../ground/errors.ts'
import type { EachField, ScalarField, ScalarType } from './fields.ts'
import { CAST, type Operand, readOperand } from './operands.ts'
import { isPlainObject, requireList, requireText } from './parse.ts'

/** One operator as it stands at its place. */
interface Term {
  readonly field: ScalarField
  readonly operand: unknown
  readonly path: string
  readonly values: unknown[]
  readonly ci: boolean
}

/** SQL that holds for a value, and whether the operator is its denial: true also where there is no value. */
interface Condition {
  readonly holds: string
  readonly denied?: true
  /** Whether the question is if there is a value at all. */
  readonly isNull?: true
}

const NEVER: Condition = { holds: 'false' }
const ABSENT: Condition = { holds: 'true', isNull: true }

const OPERATORS: Record<string, (term: Term) => Condition> = {
  $eq: (term) => (term.operand === null ? ABSENT : { holds: equal(term) }),
  $ne: (term) => ({ ...(term.operand === null ? ABSENT : { holds: equal(term) }), denied: true }),
  // Null is equal to null, so it is at least and at most null, as in MongoDB; it is never more or less.
  $gt: (term) => (term.operand === null ? NEVER : { holds: compare(term, '>') }),
  $gte: (term) => (term.operand === null ? ABSENT : { holds: compare(term, '>=') }),
  $lt: (term) => (term.operand === null ? NEVER : { holds: compare(term, '<') }),
  $lte: (term) => (term.operand === null ? ABSENT : { holds: compare(term, '<=') }),
  $in: (term) => ({ holds: isIn(term) }),
  $nin: (term) => ({ holds: isIn(term), denied: true }),
  $startsWith: (term) => ({ holds: textual(term, (text, part) => `starts_with(${text}, ${part})`) }),
  $endsWith: (term) => ({ holds: textual(term, (text, part) => `right(${text}, length(${part})) = ${part}`) }),
  // No LIKE, so there are no wildcards to escape and no pattern to backtrack over.
  $contains: (term) => ({ holds: textual(term, (text, part) => `strpos(${text}, ${part}) > 0`) }),
}

const NAMES = [...Object.keys(OPERATORS), '$ci']

/** As the published schemas have it: ids are not text, and are asked one thing at a time. */
const ID_NAMES = ['$eq', '$ne', '$gt', '$lt', '$gte', '$lte', '$in', '$nin']

/** What is asked of a field with one value. @throws invalid */
export function translateScalar(field: ScalarField, value: unknown, path: string, values: unknown[]): string {
  return all(conditionsOf(field, value, path, values), ({ holds, isNull, denied }) => {
    if (isNull) return `${field.sql} is ${denied ? 'not ' : ''}null`
    return denied ? `(${holds}) is not true` : `(${holds})`
  })
}

/** What is asked of a field with any number of values. @throws invalid */
export function translateEach(field: EachField, value: unknown, path: string, values: unknown[]): string {
  return all(conditionsOf(field, value, path, values), ({ holds, isNull, denied }) => {
    const wantsNone = Boolean(isNull) !== Boolean(denied)
    return `${wantsNone ? 'not ' : ''}exists (select from ${field.each} where ${holds})`
  })
}

const all = (conditions: readonly Condition[], toSql: (condition: Condition) => string) =>
  conditions.length === 0 ? 'true' : `(${conditions.map(toSql).join(' and ')})`

function conditionsOf(field: ScalarField, value: unknown, path: string, values: unknown[]): Condition[] {
  if (!isPlainObject(value)) return [condition('$eq', { field, operand: value, path, values, ci: false })]
  const { $ci = false, ...operators } = value
  checkOperators(field.type, value, path)
  if (typeof $ci !== 'boolean') throw invalid(`${path}.$ci must be true or false`)
  return Object.entries(operators).map(([name, operand]) =>
    condition(name, { field, operand, path: `${path}.${name}`, values, ci: $ci }),
  )
}

const condition = (name: string, term: Term): Condition => OPERATORS[name]?.(term) ?? NEVER

function checkOperators(type: ScalarType, operators: Record<string, unknown>, path: string): void {
  const allowed = type === 'id' ? ID_NAMES : NAMES
  const unknown = Object.keys(operators).find((name) => !allowed.includes(name))
  if (unknown !== undefined) {
    throw invalid(`${path}.${unknown.slice(0, 255)} is not an operator; allowed are ${allowed.join(', ')}`)
  }
  if (type === 'id' && Object.keys(operators).length !== 1) throw invalid(`${path} must have exactly one operator`)
}

const placeholder = (values: unknown[], value: unknown, type: string) => `$${values.push(value)}::${type}`

/** Only text has two cases; the database's own rules fold it, for stored and given text alike. */
const fold = ({ field, ci }: Term, sql: string) =>
  ci && field.type === 'string' ? `lower((${sql}) collate "default")` : sql

function equal(term: Term): string {
  const { field, path, values } = term
  const operand = readOperand(field.type, term.operand, path)
  if (operand === undefined) return 'false'
  const given = placeholder(values, operand, CAST[field.type])
  if (field.type === 'time') return `${field.sql} >= ${given} and ${field.sql} < ${given} + ${MILLISECOND}`
  return `${fold(term, field.sql)} = ${fold(term, given)}`
}

/** Times are told in milliseconds and kept in microseconds: the whole millisecond is equal to what was told of it. */
const MILLISECOND = `interval '1 millisecond'`

const OF_TIME: Record<string, (sql: string, given: string) => string> = {
  '>': (sql, given) => `${sql} >= ${given} + ${MILLISECOND}`,
  '>=': (sql, given) => `${sql} >= ${given}`,
  '<': (sql, given) => `${sql} < ${given}`,
  '<=': (sql, given) => `${sql} < ${given} + ${MILLISECOND}`,
}

/** Text is ordered by code point, whatever the database's language. */
function compare({ field, operand: value, path, values }: Term, sign: '>' | '>=' | '<' | '<='): string {
  const operand = readOperand(field.type, value, path)
  if (operand === undefined) return 'false'
  const given = placeholder(values, operand, CAST[field.type])
  if (field.type === 'time') return OF_TIME[sign]?.(field.sql, given) ?? 'false'
  const order = field.type === 'string' ? ' collate "C"' : ''
  return `${field.sql} ${sign} ${given}${order}`
}

function isIn(term: Term): string {
  const { field, path, values } = term
  const operands = requireList(term.operand, path)
    .map((item, index) => readOperand(field.type, item, `${path}.${index}`))
    .filter((operand): operand is Operand => operand !== undefined)
  if (operands.length === 0) return 'false'
  const given = placeholder(values, operands, `${CAST[field.type]}[]`)
  if (field.type === 'time') return `date_trunc('milliseconds', ${field.sql}) = any(${given})`
  if (!term.ci || field.type !== 'string') return `${field.sql} = any(${given})`
  return `${fold(term, field.sql)} in (select ${fold(term, 'given')} from unnest(${given}) as given)`
}

function textual(term: Term, toSql: (text: string, part: string) => string): string {
  const { field, operand, path, values } = term
  if (typeof operand !== 'string' || operand === '') throw invalid(`${path} must be text that is not empty`)
  requireText(operand, path)
  if (field.type !== 'string') return 'false'
  return toSql(fold(term, field.sql), fold(term, placeholder(values, operand, 'text')))
}
