/** JSON from outside: what is taken is what JSON.parse gives, and every fault is told with its place. */

import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { JSON_LIMITS, parseJson } from '../../server/ground/json.ts'

const deep = (levels: number) => `${'{"a":['.repeat(levels / 2)}${']}'.repeat(levels / 2)}`
const many = (count: number) => `{${Array.from({ length: count }, (_, n) => `"m${n}":0`).join()}}`

test('what is in bounds is what JSON.parse gives, whatever it is and however it is spaced', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(undefined, 1, '\t'), (value, spaces) => {
      const text = JSON.stringify(value, null, spaces)
      assert.deepEqual(parseJson(Buffer.from(text), 'body'), JSON.parse(text))
    }),
  )
})

test('a name given twice is found in any value, and nothing else is taken for one', () => {
  const name = fc.oneof(fc.constantFrom('a', 'b', '0', '1', ':', '"', '\\', '{', 'ä', '𝄞'), fc.string())
  fc.assert(
    fc.property(fc.array(fc.tuple(name, fc.jsonValue({ maxDepth: 2 }))), (members) => {
      fc.pre(!members.some(([key]) => key === '__proto__'))
      const text = `[{${members.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join()}}]`
      const isTwice = new Set(members.map(([key]) => key)).size < members.length
      if (isTwice) assert.throws(() => parseJson(text, 'body'), /^AppError: body\.0\..* is given twice$/s)
      else assert.deepEqual(parseJson(text, 'body'), JSON.parse(text))
    }),
  )
})

const REFUSED: [string, string | Buffer, RegExp][] = [
  ['nothing', '', /^body must be JSON text: /],
  ['half of it', '{"a":', /^body must be JSON text: /],
  ['more after the end', '{} {}', /^body must be JSON text: /],
  ['NaN', '{"a":NaN}', /^body must be JSON text: /],
  ['a comma too many', '[1,]', /^body must be JSON text: /],
  ['a control character in a text', '"a\u0000b"', /^body must be JSON text: /],
  ['bytes that are no UTF-8', Buffer.from([0x22, 0xc3, 0x28, 0x22]), /^body must be JSON text in UTF-8$/],
  ['UTF-16', Buffer.from('{"a":"ü"}', 'utf16le'), /^body must be JSON text/],
  [
    'half of a surrogate pair in bytes',
    Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]),
    /^body must be JSON text in UTF-8$/,
  ],
  ['a level too many', deep(34), /^body\.a(\.0\.a){15}\.0 is nested more than 32 levels deep$/],
  ['levels without an end', '['.repeat(1_000_000), /^body(\.0){32} is nested more than 32 levels deep$/],
  [
    'levels after closed ones',
    `[[[]],{"b":${'['.repeat(31)}`,
    /^body\.1\.b(\.0){30} is nested more than 32 levels deep$/,
  ],
  ['a name twice', '{"a":1,"b":{"c":2,"c":3}}', /^body\.b\.c is given twice$/],
  ['a name twice in another spelling', '{"a":1,"\\u0061":2}', /^body\.a is given twice$/],
  ['a name twice with others between', '[{"a":{"a":1,"b":[{"a":1}]},"b":0,"a":0}]', /^body\.0\.a is given twice$/],
  ['a name twice among names with brackets', '{"{":[{":":1,"\\"":2,":":3}]}', /^body\.\{\.0\.: is given twice$/],
  ['__proto__', '{"a":[{"__proto__":{"isAdmin":true}}]}', /^body\.a\.0\.__proto__ is a name that is not allowed$/],
  ['__proto__ in another spelling', '{"\\u005f_proto__":1}', /^body\.__proto__ is a name that is not allowed$/],
  ['__proto__ twice', '{"__proto__":1,"__proto__":2}', /^body\.__proto__ is a name that is not allowed$/],
  [
    'a prototype by its constructor',
    '{"constructor":{"prototype":{}}}',
    /^body\.constructor\.prototype is a name that is/,
  ],
  [
    'a number that is too large',
    '{"a":[1,1e999]}',
    /^body\.a\.1 must be a number of at most 1\.7976931348623157e\+308$/,
  ],
  ['a number that is too small', '[-1e309]', /^body\.0 must be a number of at most/],
  ['a long name', `{"a":{"${'n'.repeat(1025)}":1}}`, /^body\.a has a name of more than 1024 characters$/],
  ['a long text', `{"a":"${'t'.repeat(4 * 2 ** 20 + 1)}"}`, /^body\.a must have at most 4194304 characters$/],
  ['many members', `{"a":${many(10_001)}}`, /^body\.a must have at most 10000 members$/],
  ['a name that would be two lines', '{"a\\nb":{"c":1,"c":2}}', /^body\.a\\nb\.c is given twice$/],
]
for (const [what, json, message] of REFUSED) {
  test(`${what} is refused with its place`, () =>
    assert.throws(() => parseJson(json, 'body'), { kind: 'invalid', message }))
}

test('many members in all are refused before they are read', () => {
  const limits = { ...JSON_LIMITS, members: 100 }
  const text = `[${Array(101).fill('{"a":1}').join()}]`
  assert.throws(() => parseJson(text, 'body', limits), {
    message: 'body must have at most 100 members in all its objects',
  })
  assert.equal((parseJson(text, 'body') as unknown[]).length, 101)
})

const TAKEN: [string, string, unknown][] = [
  ['32 levels', deep(32), JSON.parse(deep(32))],
  ['a byte order mark', '\uFEFF{"a":1}', { a: 1 }],
  ['names of methods', '{"constructor":1,"toString":2,"prototype":3}', { constructor: 1, toString: 2, prototype: 3 }],
  ['one name in many objects', '[{"a":1},{"a":{"a":2}}]', [{ a: 1 }, { a: { a: 2 } }]],
  ['names that are numbers', '{"2":1,"1":{"0":[]}}', { 1: { 0: [] }, 2: 1 }],
  ['an empty name', '{"":{"":1}}', { '': { '': 1 } }],
  ['the largest number', '[1.7976931348623157e308,-0]', [Number.MAX_VALUE, -0]],
  ['no object', 'null', null],
]
for (const [what, text, value] of TAKEN) {
  test(`${what} is taken`, () => assert.deepEqual(parseJson(text, 'body'), value))
}
