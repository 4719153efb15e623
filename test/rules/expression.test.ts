/** Expressions of `evalExpression`: what they come to, and everything they must not reach. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { renderTemplate } from '../../server/templates/render.ts'

const CONTEXT = {
  ctx: { n: 42, zero: 0, word: 'Hello world', yes: true, list: [44, 20], nothing: null, row: { a: { b: 2 } } },
}

/** What a template prints that evaluates the expression, which it finds in its context. */
const value = (expression: string) => renderTemplate('{{evalExpression expression}}', { ...CONTEXT, expression })

const cases: [expression: string, expected: string][] = [
  ['1 + 2 * 3', '7'],
  ['(1 + 2) * 3', '9'],
  ['2 ^ 3 ^ 2', '512'],
  ['2 * 3 ^ 2', '18'],
  ['7 % 4 - -1', '4'],
  ['1 << 4 >> 2', '4'],
  ['{{ctx.n}} > 20', 'true'],
  ['{{ctx.n}} - {{ctx.list.[1]}}', '22'],
  ['ctx.n + ctx.row.a.b', '44'],
  ['ctx.list[1] / 5 <= PI', 'false'],
  ["ctx['n']", '42'],
  ['{{ctx.yes}} === false', 'false'],
  ["{{ctx.n}} === 'hello'", 'false'],
  ["{{ctx.word}} === 'Hello world'", 'true'],
  ["{{lower ctx.word}} === 'hello world'", 'true'],
  ['{{ctx.zero}} == false', 'true'],
  ['{{ctx.zero}} === false', 'false'],
  ["'5' == 5", 'true'],
  ["'5' != 6", 'true'],
  ['!!{{ctx.none}}', 'false'],
  ['{{ctx.none}} === undefined', 'true'],
  ['{{ctx.nothing}} == undefined', 'true'],
  ['{{ctx.nothing}} !== null', 'false'],
  ['0 == null', 'false'],
  ['{{ctx}} && {{ctx.yes}}', 'true'],
  ['{{ctx.zero}} || "fallback"', 'fallback'],
  ['false && missing(1)', 'false'],
  ['{{ctx.n}} > {{ctx.word}}', 'false'],
  ["'b' > 'a'", 'true'],
  ["'a' + 1", 'a1'],
  ['pow({{ctx.n}}, {{ctx.zero}}) === 1', 'true'],
  ['sqrt(16) + abs(-1) + round(1.5) + trunc(1.9) + floor(1.9) + ceil(1.1)', '11'],
  ['max(1, 5, 3) - min(4, 2)', '3'],
  ['round(sin(PI / 2) * 10) + log(E) + log10(100) + exp(0)', '14'],
  ['atan2(0, 1) + cos(0)', '1'],
  ['length({{ctx.list}}) + length(ctx.word)', '13'],
  ["includes({{ctx.list}}, 44) && includes('abc', 'b')", 'true'],
  ['upper(substring(ctx.word, 0, 5))', 'HELLO'],
  ['ctx.yes ? "on" : "off"', 'on'],
  ['length([1, 2, 3])', '3'],
  ["{{formatDate 0 'YYYY'}} == 1970", 'true'],
  ['ctx.row + 1', 'NaN'],
  ['ctx.list * 1', 'NaN'],
]
test('an expression computes with operators, functions, paths and templates', () => {
  for (const [expression, expected] of cases) assert.equal(value(expression), expected, expression)
})

test('the second argument is what paths start from', () => {
  assert.equal(renderTemplate('{{evalExpression "{{a.b}} + a.b" ctx.row}}', CONTEXT), '4')
  assert.equal(renderTemplate('{{#if (evalExpression "{{ctx.n}} > 1")}}more{{/if}}', CONTEXT), 'more')
})

const unreachable = [
  'constructor',
  '__proto__',
  'ctx.constructor',
  'ctx.__proto__',
  'ctx.word.constructor',
  'ctx.word.link',
  'ctx["constructor"]',
  'ctx[["constructor"]]',
  'ctx.list.push',
  'globalThis',
  'process',
  'Math',
]
test('nothing of a prototype or of the process can be reached', () => {
  for (const expression of unreachable) assert.equal(value(expression), '', expression)
})

const refused: [expression: string, reason: RegExp][] = [
  ['ctx.word.toString()', /no function ""/],
  ['constructor("x")', /no function "constructor"/],
  ['eval("1")', /no function "eval"/],
  ['toString()', /no function "toString"/],
  ['this', /one formula/],
  ['1, 2', /one formula|Unexpected ,/],
  ['1; 2', /one formula/],
  ['~1', /no operator "~"/],
  ['1 & 2', /no operator "&"/],
  ['ctx.n = 5', /Unexpected|no operator/],
  ['(', /Expected|Unclosed|Unexpected/],
  ['{{#if ctx.n}}1{{/if}}', /Unexpected|Expecting|Unclosed|Expected/],
  ['{{template "x"}}', /can not be used within each other/],
  [`${'('.repeat(1500)}1${')'.repeat(1500)}`, /at most 2048 characters/],
  [`${'['.repeat(2000)}`, /./],
  [`${'ctx.word + '.repeat(180)}1`.replaceAll('ctx.word', 'big'), /more than 1000000 characters/],
]
for (const [expression, reason] of refused) {
  test(`the expression ${expression.slice(0, 40)} is refused in words`, () => {
    const context = { ...CONTEXT, expression, big: 'x'.repeat(30_000) }
    const render = () => renderTemplate('{{evalExpression expression}}', context)
    assert.throws(render, { kind: 'invalid', message: reason })
  })
}
