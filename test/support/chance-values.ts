/**
 * Values by chance from the schemas of the contract: most of them nearly right, because what is wrong everywhere is
 * refused at the first look and tries nothing behind it.
 */

import fc from 'fast-check'

/** The keywords that the contract uses. */
export interface Schema {
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly patternProperties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
  readonly minItems?: number
  readonly maxItems?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly format?: string
  readonly pattern?: string
}

/** Texts that have broken programs; some fit a schema by chance. */
const ODD_TEXTS = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '0',
    '-1',
    '1e400',
    'NaN',
    'null',
    'true',
    '\u0000',
    '\ud800',
    '‮',
    '%',
    '%00',
    '../..',
    '__proto__',
  ),
  fc.constantFrom(
    '{{x}}',
    '{{#each',
    '{{{a',
    '[',
    '{"$or":[]}',
    '{"$and":[{"name":{"$ne":1}}]}',
    '*a*a*a*a*b',
    'ü'.repeat(300),
  ),
  fc.constantFrom(
    '2026-01-01',
    '9999-12-31T23:59:59Z',
    '-99999999999999',
    "' or 1=1 --",
    'constructor',
    'a'.repeat(40_000),
  ),
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 20 }),
)

const ODD: fc.Arbitrary<unknown> = fc.oneof(
  ODD_TEXTS,
  fc.constantFrom(null, true, false, 0, -1, 1.5, 2 ** 53, -(2 ** 63), 1e308, [], {}, [[]], [null]),
  fc.double(),
  fc.dictionary(fc.constantFrom('a', 'id', 'constructor', '$date', '$eq'), fc.oneof(fc.integer(), fc.string()), {
    maxKeys: 3,
  }),
)

/** Deep enough for every shape of the contract; recursive ones end here. */
const MAX_DEPTH = 8

/** A value for a schema; `ids` are those that things really have. */
export function chanceValue(schema: Schema, ids: fc.Arbitrary<string>, depth = 0): fc.Arbitrary<unknown> {
  if (depth > MAX_DEPTH) return fc.constant(null)
  return fc.oneof({ weight: 30, arbitrary: fitting(schema, ids, depth) }, { weight: 1, arbitrary: ODD })
}

function fitting(schema: Schema, ids: fc.Arbitrary<string>, depth: number): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum) return fc.constantFrom(...schema.enum)
  const branches = schema.oneOf ?? schema.anyOf
  if (branches) return fc.oneof(...branches.map((branch) => chanceValue(branch, ids, depth)))
  if (schema.allOf) return fitting(Object.assign({}, schema, { allOf: undefined }, ...schema.allOf), ids, depth)
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type
  if (type === 'object') return objectOf(schema, ids, depth)
  if (type === 'array') {
    const item = chanceValue(schema.items ?? {}, ids, depth + 1)
    return fc.array(item, { maxLength: Math.min(schema.maxItems ?? 4, 4) })
  }
  if (type === 'string') return textOf(schema, ids)
  if (type === 'boolean') return fc.boolean()
  if (type === 'number' || type === 'integer') return numberOf(schema)
  return ODD
}

function objectOf(schema: Schema, ids: fc.Arbitrary<string>, depth: number): fc.Arbitrary<object> {
  const { properties = {}, required = [] } = schema
  const known = Object.entries(properties).map(([name, of]) => [name, chanceValue(of, ids, depth + 1)] as const)
  const others = Object.values(schema.patternProperties ?? {}).concat(
    typeof schema.additionalProperties === 'object' ? schema.additionalProperties : [],
  )
  const named = fc.record(Object.fromEntries(known), { requiredKeys: required.filter((name) => name in properties) })
  const free = others.length
    ? fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), chanceValue(others[0] ?? {}, ids, depth + 1), {
        maxKeys: 3,
      })
    : fc.constant({})
  const extra = fc.oneof(
    { weight: 30, arbitrary: fc.constant({}) },
    { weight: 1, arbitrary: fc.dictionary(fc.string({ maxLength: 8 }), ODD, { minKeys: 1, maxKeys: 2 }) },
  )
  return fc.tuple(named, free, extra).map((parts) => Object.assign({}, ...parts))
}

function numberOf({ minimum, maximum, type }: Schema): fc.Arbitrary<number> {
  const range = {
    ...(minimum === undefined ? {} : { min: minimum }),
    ...(maximum === undefined ? {} : { max: maximum }),
  }
  const whole = fc.integer({
    min: Math.max(minimum ?? -1000, -(2 ** 31)),
    max: Math.min(maximum ?? 10_000, 2 ** 31 - 1),
  })
  return type === 'integer' ? whole : fc.oneof(whole, fc.double({ ...range, noNaN: true, noDefaultInfinity: true }))
}

function textOf({ pattern, format, minLength = 0, maxLength = 60 }: Schema, ids: fc.Arbitrary<string>) {
  const plain = fc.string({
    minLength: Math.min(minLength, 100),
    maxLength: Math.max(minLength, Math.min(maxLength, 60)),
  })
  const made = format === undefined ? patterned(pattern, ids, plain) : FORMATS[format]
  return fc.oneof({ weight: 12, arbitrary: made ?? plain }, { weight: 2, arbitrary: ODD_TEXTS })
}

const FORMATS: Record<string, fc.Arbitrary<string>> = {
  email: fc.emailAddress(),
  // Of a loopback port that nobody listens on: what is told to it goes nowhere.
  uri: fc.constantFrom('http://127.0.0.1:9/x', 'https://example.invalid/a?b=c', 'ftp://x/y', 'data:,x'),
  'date-time': fc
    .date({ min: new Date('2000-01-01T00:00:00Z'), max: new Date('2100-01-01T00:00:00Z'), noInvalidDate: true })
    .map((date) => date.toISOString()),
}

const WORDS = fc.constantFrom(
  'a',
  'temperature',
  'name',
  '0',
  'abc',
  'report.csv',
  '{{ctx.name}}',
  'a'.repeat(24),
  '2026-01-01',
)

/** An id where one may stand, or one of some words that fit: no pattern of the contract is only about others. */
function patterned(pattern: string | undefined, ids: fc.Arbitrary<string>, plain: fc.Arbitrary<string>) {
  if (pattern === undefined) return plain
  const fits = new RegExp(pattern, 'u')
  if (fits.test('a'.repeat(24))) return fc.oneof(ids, WORDS)
  return fc.oneof(WORDS, plain)
}
