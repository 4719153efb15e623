/** The query language: what it becomes, and what is refused where. What it selects is tested against PostgreSQL. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { knownFields } from '../../server/query/fields.ts'
import { parseQueryJson } from '../../server/query/parse.ts'
import { tagListField } from '../../server/query/tags.ts'
import { translateQuery } from '../../server/query/translate.ts'

const FIELDS = knownFields({
  name: { sql: 'd.name', type: 'string' },
  size: { sql: 'd.size', type: 'number' },
  on: { sql: 'd.is_on', type: 'boolean' },
  at: { sql: 'd.at', type: 'time' },
  parent: { sql: 'd.parent_id', type: 'id' },
  item: { each: 'unnest(d.items) as item', sql: 'item', type: 'string' },
  tags: tagListField('d.tags'),
})

const ID = 'a'.repeat(24)
const MS = `interval '1 millisecond'`

const translated: [unknown, string, unknown[]][] = [
  [{}, 'true', []],
  [{ name: 'x' }, '(((d.name = $1::text)))', ['x']],
  [{ name: null }, '((d.name is null))', []],
  [{ name: {} }, '(true)', []],
  [{ name: { $ne: null } }, '((d.name is not null))', []],
  [{ name: { $ne: 'x' } }, '(((d.name = $1::text) is not true))', ['x']],
  [{ size: { $gt: 1, $lte: 2 } }, '(((d.size > $1::float8) and (d.size <= $2::float8)))', [1, 2]],
  [{ name: { $gt: 'x' } }, '(((d.name > $1::text collate "C")))', ['x']],
  [{ name: { $gt: null } }, '(((false)))', []],
  [{ name: { $in: ['x', 1] } }, '(((d.name = any($1::text[]))))', [['x']]],
  [{ name: { $nin: [] } }, '(((false) is not true))', []],
  [
    { name: { $eq: 'x', $ci: true } },
    '(((lower((d.name) collate "default") = lower(($1::text) collate "default"))))',
    ['x'],
  ],
  [{ size: { $eq: 1, $ci: true } }, '(((d.size = $1::float8)))', [1]],
  [{ size: '1' }, '(((false)))', []],
  [{ size: { $contains: '1' } }, '(((false)))', []],
  [{ on: 'true' }, '(((false)))', []],
  [{ at: true }, '(((false)))', []],
  [{ at: 86400000 }, `(((d.at >= $1::timestamptz and d.at < $1::timestamptz + ${MS})))`, ['1970-01-02T00:00:00.000Z']],
  [{ at: { $lt: '86400000' } }, '(((d.at < $1::timestamptz)))', ['1970-01-02T00:00:00.000Z']],
  [{ at: { $gt: '2026-01-01' } }, `(((d.at >= $1::timestamptz + ${MS})))`, ['2026-01-01T00:00:00.000Z']],
  [{ parent: ID.toUpperCase() }, '(((d.parent_id = $1::text)))', [ID]],
  [{ item: 'x' }, '((exists (select from unnest(d.items) as item where item = $1::text)))', ['x']],
  [{ item: { $ne: null } }, '((exists (select from unnest(d.items) as item where true)))', []],
  [{ tags: { a: 'x' } }, '((d.tags @> $1::jsonb))', ['[{"key":"a","value":"x"}]']],
  [{ tags: { $tagKey: 'a' } }, '((d.tags @> $1::jsonb))', ['[{"key":"a"}]']],
  [{ $and: [] }, '((true))', []],
  [{ $or: [] }, '((false))', []],
  [{ $nor: [] }, '((true))', []],
  [
    { $or: [{ size: 1 }, { on: true }], name: 'x' },
    '(((((d.size = $1::float8))) or (((d.is_on = $2::boolean)))) and ((d.name = $3::text)))',
    [1, true, 'x'],
  ],
  [{ $nor: [{ on: true }] }, '((((((d.is_on = $1::boolean)))) is not true))', [true]],
]
for (const [query, sql, values] of translated) {
  test(`${JSON.stringify(query)} becomes SQL with its values apart`, () => {
    const pushed: unknown[] = []
    assert.equal(translateQuery(query, FIELDS, pushed), sql)
    assert.deepEqual(pushed, values)
  })
}

test('values go on from those that are there', () => {
  const values: unknown[] = ['application']
  assert.equal(translateQuery({ size: 1 }, FIELDS, values), '(((d.size = $2::float8)))')
  assert.deepEqual(values, ['application', 1])
})

const nested = (levels: number): object => (levels === 0 ? {} : { $or: [nested(levels - 1)] })
const many = (count: number) => Array.from({ length: count }, () => ({ size: 1 }))

const refused: [string, unknown, RegExp][] = [
  ['no object', 'name', /^query must be an object of fields and operators$/],
  ['a list', [], /^query must be an object/],
  ['null', null, /^query must be an object/],
  ['an unknown field', { nam: 1 }, /^query\.nam is not a field; allowed are name, size, on, at, parent, item, tags$/],
  ['a field of every object', { constructor: 1 }, /^query\.constructor is not a field/],
  ['a prototype', JSON.parse('{"__proto__": 1}'), /^query\.__proto__ is not a field/],
  ['a field that is SQL', { 'a; drop': 1 }, /^query\."a; drop" is not a field/],
  [
    'an unknown operator deep inside',
    { $or: [{ name: 'x' }, { name: { $foo: 1 } }] },
    /^query\.\$or\.1\.name\.\$foo is not an operator; allowed are \$eq, \$ne, \$gt, .*\$contains, \$ci$/,
  ],
  [
    'an unknown combinator',
    { $xor: [] },
    /^query\.\$xor is not an operator; allowed are \$and, \$or, \$nor, and fields$/,
  ],
  ['a combinator of every object', { $and: [{ $toString: 1 }] }, /^query\.\$and\.0\.\$toString is not an operator/],
  ['a combinator without a list', { $and: { name: 'x' } }, /^query\.\$and must be a list of at most 100 queries$/],
  ['101 alternatives', { $or: many(101) }, /^query\.\$or must be a list of at most 100 queries$/],
  ['an alternative that is none', { $or: [{}, 3] }, /^query\.\$or\.1 must be an object/],
  ['13 levels', nested(13), /^query(\.\$or\.0){13} is nested more than 12 levels deep$/],
  [
    '501 conditions',
    { $or: Array.from({ length: 6 }, () => ({ $or: many(99) })) },
    /is one condition too many; a query has 500$/,
  ],
  [
    'tag keys, of which each one is a condition',
    { $or: Array(7).fill({ tags: Object.fromEntries(many(99).map((_, key) => [`k${key}`, 'x'])) }) },
    /is one condition too many; a query has 500$/,
  ],
  ['a list as a value', { name: ['x'] }, /^query\.name must be text, a number or a boolean$/],
  ['null in a list', { name: { $in: [null] } }, /^query\.name\.\$in\.0 must be text, a number or a boolean$/],
  ['no list after $in', { name: { $in: 'x' } }, /^query\.name\.\$in must be a list of at most 100 values$/],
  ['101 values', { name: { $nin: Array(101).fill('x') } }, /^query\.name\.\$nin must be a list of at most 100 values$/],
  ['a number to contain', { name: { $contains: 5 } }, /^query\.name\.\$contains must be text that is not empty$/],
  [
    'nothing to start with',
    { name: { $startsWith: '' } },
    /^query\.name\.\$startsWith must be text that is not empty$/,
  ],
  ['a word for $ci', { name: { $ci: 'yes' } }, /^query\.name\.\$ci must be true or false$/],
  ['a NUL', { name: 'a\u0000' }, /^query\.name must be text without NUL characters/],
  ['text without end', { name: 'a'.repeat(8193) }, /^query\.name must have at most 8192 characters$/],
  [
    'a time that is none',
    { at: { $gt: 'yesterday' } },
    /^query\.at\.\$gt must be a time: ISO 8601, or milliseconds since 1970$/,
  ],
  ['a time after the year 9999', { at: 1e300 }, /^query\.at must be a time/],
  ['an id that is none', { parent: 'x' }, /^query\.parent must be an id of 24 hexadecimal digits, or null$/],
  ['part of an id', { parent: { $contains: 'a' } }, /^query\.parent\.\$contains is not an operator; allowed are \$eq/],
  ['two operators on an id', { parent: { $gt: ID, $lt: ID } }, /^query\.parent must have exactly one operator$/],
  [
    'tags as text',
    { tags: 'a' },
    /^query\.tags must be null, an object with \$tagKey or \$tagValue, or an object of tag keys$/,
  ],
  ['a tag key that is none', { tags: { 'a b': 'x' } }, /^query\.tags\."a b" is not a tag key/],
  [
    'a number as a tag',
    { tags: { a: 1 } },
    /^query\.tags\.a must be text, null, \{"\$in": \[…\]\} or \{"\$nin": \[…\]\}$/,
  ],
  ['an operator tags do not have', { tags: { a: { $gt: 'x' } } }, /^query\.tags\.a must be text, null/],
  [
    'a pattern with a key',
    { tags: { $tagKey: 'a', b: 'x' } },
    /^query\.tags\.b is not an operator; allowed are \$tagKey/,
  ],
  ['$eq with something beside', { tags: { $eq: null, a: 'x' } }, /^query\.tags must have nothing beside \$eq$/],
  ['a fault within $ne', { tags: { $ne: { a: 1 } } }, /^query\.tags\.\$ne\.a must be text, null/],
  ['a number in a list of tags', { tags: { a: { $in: ['x', 1] } } }, /^query\.tags\.a\.\$in\.1 must be text$/],
]
for (const [what, query, message] of refused) {
  test(`a query with ${what} is refused`, () => {
    assert.throws(() => translateQuery(query, FIELDS, []), { kind: 'invalid', message })
  })
}

test('a fault is told where the caller put the query', () => {
  assert.throws(
    () => translateQuery({ a: 1 }, FIELDS, [], 'exportOptions.query'),
    /^AppError: exportOptions\.query\.a is not/,
  )
})

test('a query is read from JSON, blank text is none', () => {
  assert.deepEqual(parseQueryJson('{"a": [1]}', 'query'), { a: [1] })
  assert.deepEqual(parseQueryJson(' ', 'query'), {})
  assert.throws(() => parseQueryJson('{', 'inputs.0.queryJson'), {
    message: /^inputs\.0\.queryJson must be JSON text: /,
  })
  assert.throws(() => parseQueryJson('['.repeat(16_385), 'query'), {
    message: 'query must have at most 16384 characters',
  })
  assert.throws(() => translateQuery(parseQueryJson('['.repeat(8000) + ']'.repeat(8000), 'query'), FIELDS, []), {
    message: /^query(\.0){32} is nested more than 32 levels deep$/,
  })
})
