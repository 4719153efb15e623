/** Templates of notebook configuration: what they render to, and everything they must not reach or cost. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { renderTemplate } from '../../server/templates/render.ts'

const CONTEXT = {
  ctx: { name: 'Pump 7', n: 5, zero: 0, list: ['a', 'b'], at: '2026-03-01T04:05:06.789Z', yes: true, empty: '' },
  globals: { site: 'north', nested: { deep: { id: 'x' } } },
  execution: { id: 'e1' },
}

const rendered: [string, string][] = [
  ['plain.csv', 'plain.csv'],
  ['{ctx.name}', '{ctx.name}'],
  ['{{ctx.name}}.csv', 'Pump 7.csv'],
  ['{{ctx.none}}{{none.at.all}}', ''],
  ['{{globals.nested.deep.id}}-{{execution.id}}', 'x-e1'],
  ['{{ctx.list.[1]}}{{ctx.list.length}}', 'b2'],
  ['{{#each ctx.list}}{{@index}}{{this}},{{/each}}', '0a,1b,'],
  ['{{#if ctx.yes}}y{{else}}n{{/if}}{{#unless ctx.yes}}n{{/unless}}', 'y'],
  ['{{#with globals.nested}}{{deep.id}}{{/with}}', 'x'],
  ['{{upper ctx.name}} {{lower ctx.name}} {{trim " a "}}', 'PUMP 7 pump 7 a'],
  ['{{substring ctx.name 0 4}}{{substring ctx.name 4}}', 'Pump 7'],
  ['{{defaultTo ctx.none "d"}}{{defaultTo ctx.zero 9}}', 'd0'],
  ['{{#eq ctx.n 5}}five{{else}}other{{/eq}}', 'five'],
  ['{{#eq ctx.n "5"}}five{{else}}other{{/eq}}', 'other'],
  ['{{#if (gt ctx.n 4)}}more{{/if}}', 'more'],
  ['{{gt 5 5}} {{gte 5 5}} {{lt 4 5}} {{lte 6 5}} {{ne 1 2}}', 'false true true false true'],
  ['{{add ctx.n 2}} {{subtract ctx.n 2}} {{multiply ctx.n 2}} {{divide ctx.n 2}}', '7 3 10 2.5'],
  ['{{ceil 1.2}}{{floor 1.8}}', '21'],
  ['{{ctx.n}}{{ctx.n}}', '55'],
  ['{{#each ctx.list}}{{@index}}{{../ctx.n}}{{/each}}', '0515'],
  ['{{#if ctx.none}}a{{else if ctx.yes}}{{ctx.n}}{{ctx.zero}}{{else}}b{{/if}}', '50'],
  ['{{ctx.yes}}{{ctx.n}}{{! a remark }}{{{ctx.n}}}{{ctx.none}}', 'true55'],
  ['{{jsonEncode ctx.list}}', '["a","b"]'],
  ['{{jsonEncode ctx.none}}', ''],
  ['{{encodeURIComponent ctx.name}}', 'Pump%207'],
  ['{{formatDate ctx.at "YYYY/MM/DD HH-mm-ss.SSS [Y]"}}', '2026/03/01 04-05-06.789 Y'],
  ['{{formatDate ctx.at}} {{formatDate ctx.at "x"}}', '03/01/2026 4:05:06 AM 1772337906789'],
  ['{{formatDate "no date" "YYYY"}}', ''],
  ['{{ctx.name}} <&> "quoted"', 'Pump 7 <&> "quoted"'],
  ['{{{ctx.name}}}', 'Pump 7'],
]
test('a template renders look-ups, blocks and helpers, without escaping anything', () => {
  for (const [template, expected] of rendered) assert.equal(renderTemplate(template, CONTEXT), expected, template)
})

const without: string[] = [
  '{{upper}}',
  '{{lower}}',
  '{{trim}}',
  '{{encodeURIComponent}}',
  '{{formatDate}}',
  '{{upper ctx.none}}',
  '{{substring ctx.none 0 1}}',
  '{{defaultTo ctx.none}}',
]
test('a helper that is given nothing renders to nothing', () => {
  for (const template of without) assert.equal(renderTemplate(template, CONTEXT), '', template)
})

const unreachable: string[] = [
  '{{constructor}}',
  '{{ctx.constructor}}',
  '{{ctx.constructor.constructor}}',
  '{{ctx.__proto__}}',
  '{{ctx.name.constructor.name}}',
  '{{ctx.list.map}}',
  '{{lookup ctx "constructor"}}',
  '{{lookup ctx "__proto__"}}',
  '{{#with ctx as |c|}}{{c.toString}}{{/with}}',
  '{{#with (lookup ctx "constructor")}}{{name}}{{/with}}',
  '{{ctx.name.link}}',
]
test('nothing of a prototype can be looked up', () => {
  for (const template of unreachable) assert.equal(renderTemplate(template, CONTEXT), '', template)
})

test('a context may have keys that are named like properties of objects', () => {
  const ctx: unknown = JSON.parse('{"toString": "t", "hasOwnProperty": 1, "valueOf": "v"}')
  assert.equal(renderTemplate('{{ctx.toString}}{{ctx.valueOf}}{{ctx.hasOwnProperty}}', { ctx }), 'tv1')
})

const refused: [string, RegExp][] = [
  ['{{ctx.name', /^The template "\{\{ctx.name" can't be rendered: Expecting /],
  ['a\u0000{{ctx.n}}', /can't be rendered: Lexical error on line 1. Unrecognized text.$/],
  ['{{#if ctx.n}}open', /can't be rendered/],
  ['{"a": {{ctx.n}}}', /there must be a space$/],
  ['{{nothing ctx.n}}', /can't be rendered: Missing helper: "nothing"/],
  ['{{> partial}}', /can't be rendered/],
  ['{{#*inline "x"}}a{{/inline}}{{> x}}', /can't be rendered/],
  ['{{#> x}}fallback{{/x}}', /can't be rendered/],
  ['{{log ctx.name}}', /can't be rendered/],
  ['{{encodeURIComponent ctx.lone}}', /can't be rendered/],
]
for (const [template, reason] of refused) {
  test(`the template ${JSON.stringify(template)} is refused in words`, () => {
    const context = { ctx: { ...CONTEXT.ctx, lone: '\uD800' } }
    assert.throws(() => renderTemplate(template, context), { kind: 'invalid', message: reason })
  })
}

test('a template renders to 8,192 characters at most', () => {
  const ctx = { text: 'x'.repeat(8192) }
  assert.equal(renderTemplate('{{ctx.text}}', { ctx }).length, 8192)
  assert.throws(() => renderTemplate('{{ctx.text}}y', { ctx }), { kind: 'invalid', message: /more than 8192/ })
})

/** Loops that print nothing and still could hold the service up for minutes. */
const busy: [what: string, template: string][] = [
  ['many dates', `{{#each ctx.list}}${'{{formatDate "x"}}'.repeat(400)}{{/each}}`],
  ['many conditions', `{{#each ctx.list}}${'{{#if ../none}}x{{/if}}'.repeat(300)}{{/each}}`],
  ['much Markdown', '{{#each ctx.list}}{{#if (toHtml ../ctx.text)}}{{/if}}{{/each}}'],
  ['much JSON', '{{#each ctx.list}}{{#if (jsonEncode ../ctx.list)}}{{/if}}{{/each}}'],
  ['many templates', '{{#each ctx.templates}}{{#if (template this)}}{{/if}}{{/each}}'],
  ['many expressions', '{{#each ctx.templates}}{{#if (evalExpression this)}}{{/if}}{{/each}}'],
]
for (const [what, template] of busy) {
  test(`loops over ${what} end before they hold the service up`, () => {
    const list = Array.from({ length: 8000 }, (_, index) => index)
    const ctx = { list, text: 'a *b* '.repeat(1000), templates: list.map((index) => `{{ctx.a${index}}}`) }
    assert.throws(() => renderTemplate(template, { ctx }), { kind: 'invalid', message: /takes too much work/ })
  })
}

test('loops that print too much end before all of it is made', () => {
  const ctx = { list: Array.from({ length: 5000 }, () => 1), text: 'x'.repeat(30_000) }
  const template = '{{#each ctx.list}}{{@root.ctx.text}}{{/each}}'
  assert.throws(() => renderTemplate(template, { ctx }), { kind: 'invalid', message: /more than 8192 characters/ })
})

test('conditions within a loop do not count as characters of it', () => {
  const ctx = { list: Array.from({ length: 4000 }, () => 1) }
  const template = '{{#each ctx.list}}{{#if this}}{{#if this}}{{#if this}}{{this}}{{/if}}{{/if}}{{/if}}{{/each}}'
  assert.equal(renderTemplate(template, { ctx }), '1'.repeat(4000))
})

test('a template is shown in a message up to 200 characters', () => {
  const template = `${'x'.repeat(300)}{{nothing here}}`
  const message = `The template "${'x'.repeat(200)}…" can't be rendered: Missing helper: "nothing"`
  assert.throws(() => renderTemplate(template, CONTEXT), { kind: 'invalid', message })
})

test('loops within loops end long before they could hold the service up', () => {
  const ctx = { list: Array.from({ length: 10_000 }, () => 1) }
  for (const inner of ['', 'x']) {
    const open = ['#each ctx.list', '#each @root.ctx.list', '#each @root.ctx.list', '#@root.ctx.list']
    const close = ['/@root.ctx.list', '/each', '/each', '/each']
    const template = `${open.map((tag) => `{{${tag}}}`).join('')}${inner}${close.map((tag) => `{{${tag}}}`).join('')}`
    assert.throws(() => renderTemplate(template, { ctx }), { kind: 'invalid', message: /can't be rendered/ })
  }
})

test('a loop that failed does not count against the next template', () => {
  const ctx = { list: Array.from({ length: 5000 }, () => 'x') }
  for (let time = 0; time < 3; time += 1) {
    assert.equal(renderTemplate('{{#each ctx.list}}{{this}}{{/each}}', { ctx }).length, 5000)
  }
})
