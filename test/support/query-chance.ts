/** Random documents and queries over a world so small that they meet often: values that LIKE, COPY and SQL trip over. */

import fc from 'fast-check'
import type { Doc } from './query-model.ts'

const TEXTS = [
  'a',
  'A',
  'ab',
  'aB',
  'b',
  '%',
  '_',
  'a%b',
  '\\',
  "'",
  '5',
  'true',
  'é',
  'É',
  '🌍',
  '\uffee',
  '$1',
  'null',
]
const NUMBERS = [-1, 0, 0.5, 5, 1e15]
const TIMES = [0, 1, 999, 1000, 86_400_000, 1_700_000_000_123, -1]
const REFS = ['0'.repeat(24), 'a'.repeat(24), `b${'0'.repeat(23)}`, 'f'.repeat(24)]

const text = fc.constantFrom(...TEXTS)
const number = fc.constantFrom(...NUMBERS)
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { freq: 4 })

const tag = fc.record({ key: fc.constantFrom('a', 'b', 'c'), value: fc.constantFrom('x', 'y', '%') })

const doc = fc.record({
  s: maybe(fc.oneof(text, fc.constant(''))),
  n: maybe(number),
  b: maybe(fc.boolean()),
  t: maybe(fc.constantFrom(...TIMES)),
  ref: maybe(fc.constantFrom(...REFS)),
  many: fc.array(text, { maxLength: 3 }),
  tags: fc.array(tag, { maxLength: 3 }),
  map: fc.array(tag, { maxLength: 3 }).map((tags) => Object.fromEntries(tags.map(({ key, value }) => [key, value]))),
})

/** Some documents, numbered. */
export const docs: fc.Arbitrary<Doc[]> = fc
  .array(doc, { minLength: 10, maxLength: 25 })
  .map((list) => list.map((each, id) => ({ id, ...each })))

/** Mostly of the field's own type. */
const mostly = (value: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 6, arbitrary: value }, { weight: 1, arbitrary: fc.oneof(text, number, fc.boolean()) })

/** Every operator with what it compares with. */
const operators = (value: fc.Arbitrary<unknown>, part: fc.Arbitrary<string> | undefined) => ({
  $eq: maybe(value),
  $ne: maybe(value),
  $gt: maybe(value),
  $gte: maybe(value),
  $lt: maybe(value),
  $lte: maybe(value),
  $in: fc.array(value, { maxLength: 4 }),
  $nin: fc.array(value, { maxLength: 4 }),
  ...(part ? { $startsWith: part, $endsWith: part, $contains: part, $ci: fc.boolean() } : {}),
})

/** One to `most` members of an object, so that conditions leave something over. */
const few = (members: Record<string, fc.Arbitrary<unknown>>, most: number) =>
  fc
    .shuffledSubarray(Object.keys(members), { minLength: 1, maxLength: most })
    .chain((names) => fc.record(Object.fromEntries(names.map((name) => [name, members[name] ?? fc.constant(null)]))))

const field = (value: fc.Arbitrary<unknown>, part: fc.Arbitrary<string> | undefined, most = 2) =>
  fc.oneof(maybe(value), few(operators(value, part), most))

const moment = fc.constantFrom(...TIMES).chain((ms) => fc.constantFrom(ms, String(ms), new Date(ms).toISOString()))
const id = fc.constantFrom(...REFS, ...REFS.map((ref) => ref.toUpperCase()))

const tagPart = (value: fc.Arbitrary<string>) =>
  fc.oneof(
    value,
    fc.constant(null),
    fc.record({ $in: fc.array(value, { maxLength: 3 }) }),
    fc.record({ $nin: fc.array(value, { maxLength: 3 }) }),
  )
const tagKey = fc.constantFrom('a', 'b', 'c', 'd')
const tagValue = fc.constantFrom('x', 'y', '%', '')
const tagQuery = fc.oneof(
  fc.constant(null),
  few({ $tagKey: tagPart(tagKey), $tagValue: tagPart(tagValue) }, 2),
  fc.dictionary(tagKey, tagPart(tagValue), { maxKeys: 2 }),
)
const tags = fc.oneof(tagQuery, fc.record({ $eq: tagQuery }), fc.record({ $ne: tagQuery }))

const fields = {
  s: field(mostly(text), text),
  n: field(mostly(number), text),
  b: field(mostly(fc.boolean()), text),
  t: field(fc.oneof(moment, moment, moment, fc.boolean()), text),
  ref: field(id, undefined, 1),
  many: field(mostly(text), text),
  tags,
  map: tags,
}

/** A query over those documents, of up to three levels. */
export const queries: fc.Arbitrary<Record<string, unknown>> = fc.letrec<{ query: Record<string, unknown> }>((tie) => ({
  query: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    { weight: 3, arbitrary: few(fields, 2) },
    {
      weight: 2,
      arbitrary: fc.dictionary(
        fc.constantFrom('$and', '$or', '$nor'),
        fc.array(tie('query'), { maxLength: 3, size: 'max' }),
        {
          minKeys: 1,
          maxKeys: 2,
        },
      ),
    },
  ),
})).query
