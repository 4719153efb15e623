/** Lists and objects in query parameters, as the official client writes them and as JSON text. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Type } from 'typebox'
import { readQueryParameters } from '../../server/http/query-parameters.ts'

const schema = Type.Object({
  tagFilter: Type.Optional(Type.Array(Type.Object({}))),
  deviceClass: Type.Optional(Type.Union([Type.String(), Type.Array(Type.String())])),
  filter: Type.Optional(Type.String()),
})

const cases: [string, Record<string, unknown>, unknown][] = [
  ['plain text stays', { filter: '[a]', page: '1' }, { filter: '[a]', page: '1' }],
  [
    'brackets become a list of objects',
    { 'tagFilter[0][key]': 'floor', 'tagFilter[0][value]': '8', 'tagFilter[1][key]': 'x' },
    { tagFilter: [{ key: 'floor', value: '8' }, { key: 'x' }] },
  ],
  ['a list is in the order of its numbers', { 'a[10]': 'k', 'a[2]': 'c', 'a[0]': 'a' }, { a: ['a', 'c', 'k'] }],
  ['empty brackets append', { 'a[]': 'x' }, { a: ['x'] }],
  ['names become an object', { 'query[name][$ne]': 'a' }, { query: { name: { $ne: 'a' } } }],
  ['JSON text becomes the list it is', { tagFilter: '[{"key":"a"}]' }, { tagFilter: [{ key: 'a' }] }],
  ['also where a text is allowed too', { deviceClass: '["gateway"]' }, { deviceClass: ['gateway'] }],
  ['a text is no list', { deviceClass: 'gateway' }, { deviceClass: 'gateway' }],
  ['five levels are too many', { 'a[1][2][3][4][5]': 'x' }, { 'a[1][2][3][4][5]': 'x' }],
  ['brackets that do not close are a name', { 'a[0': 'x', ']': 'y' }, { 'a[0': 'x', ']': 'y' }],
]
for (const [what, raw, expected] of cases) {
  test(what, () => assert.deepEqual(readQueryParameters(schema, raw), expected))
}

test('no name reaches the prototype of anything', () => {
  const read = readQueryParameters(schema, {
    '__proto__[polluted]': '1',
    'a[__proto__][polluted]': '1',
    constructor: 'x',
  })
  assert.equal(Object.getPrototypeOf(read), Object.prototype)
  assert.equal('polluted' in {}, false)
  assert.equal('polluted' in Object(read['a']), false)
})

test('a list that is not JSON is refused by name', () => {
  assert.throws(() => readQueryParameters(schema, { tagFilter: '[{"key"' }), {
    kind: 'invalid',
    message: /^tagFilter must be a list as JSON text, or in brackets as in tagFilter\[0\]: /,
  })
})
