/** Formulas of a notebook on its page: MathML without scripts, fonts or requests, whatever their author writes. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { code, prose, render } from '../support/pages.ts'

/** The formulas of one page, each by itself, without their sources. */
async function mathOf(...sources: string[]): Promise<string[]> {
  const { html } = await render(sources.map(prose))
  return [...html.matchAll(/<math[^>]*>(.*?)<\/math>|<code class="formula">(.*?)<\/code>/gs)].map(
    ([, made = '', source = '']) => made || source,
  )
}

const mi = (name: string) => `<mi>${name}</mi>`
const mo = (sign: string) => `<mo>${sign}</mo>`
const mn = (digits: string) => `<mn>${digits}</mn>`

const CASES: readonly [source: string, expected: string][] = [
  ['$x_i^2$', `<msubsup>${mi('x')}${mi('i')}${mn('2')}</msubsup>`],
  ['$x^10$', `<mrow><msup>${mi('x')}${mn('1')}</msup>${mn('0')}</mrow>`],
  ['$\\frac12$', `<mfrac>${mn('1')}${mn('2')}</mfrac>`],
  ['$a \\over b$', `<mfrac>${mi('a')}${mi('b')}</mfrac>`],
  ['$\\sqrt[3]{x}$', `<mroot>${mi('x')}${mn('3')}</mroot>`],
  ['$a<b$', `<mrow>${mi('a')}${mo('&lt;')}${mi('b')}</mrow>`],
  ['$x - 1.5$', `<mrow>${mi('x')}${mo('−')}${mn('1.5')}</mrow>`],
  ["$f'$", `<msup>${mi('f')}<mo lspace="0" rspace="0">′</mo></msup>`],
  ['$\\mathbb{R}$', '<mi mathvariant="normal">ℝ</mi>'],
  ['$\\mathrm{kg}$', mi('kg')],
  ['$\\not=$', mo('=\u0338')],
  ['$\\text{if }x$', `<mrow><mtext>if\u00a0</mtext>${mi('x')}</mrow>`],
  [
    '$$\\sum_{i}^n i$$',
    `<mrow><munderover><mo movablelimits="true" largeop="true">∑</mo>${mi('i')}${mi('n')}</munderover>${mi('i')}</mrow>`,
  ],
  [
    '$\\left(\\frac{a}{b}\\right.$',
    `<mrow><mo fence="true" form="prefix" stretchy="true">(</mo><mfrac>${mi('a')}${mi('b')}</mfrac></mrow>`,
  ],
  [
    '\\begin{bmatrix} a & b \\\\ c & d \\end{bmatrix}',
    `<mrow><mo fence="true" form="prefix" stretchy="true">[</mo><mtable><mtr><mtd>${mi('a')}</mtd><mtd>${mi('b')}</mtd></mtr>` +
      `<mtr><mtd>${mi('c')}</mtd><mtd>${mi('d')}</mtd></mtr></mtable><mo fence="true" form="postfix" stretchy="true">]</mo></mrow>`,
  ],
  [
    '\\begin{align} a &= b \\end{align}',
    `<mtable class="aligned" displaystyle="true"><mtr><mtd>${mi('a')}</mtd><mtd><mrow>${mo('=')}${mi('b')}</mrow></mtd></mtr></mtable>`,
  ],
  ['$\\newcommand{\\half}[1]{\\frac{#1}{2}}\\half{x}$', `<mfrac>${mi('x')}${mn('2')}</mfrac>`],
  ['$\\half y$', `<mfrac>${mi('y')}${mn('2')}</mfrac>`],
]

test('formulas become MathML, and what an author defines holds until the end of the notebook', async () => {
  const made = await mathOf(...CASES.map(([source]) => source))
  const named = CASES.map(([source], index) => [source, made[index]?.replaceAll('<mrow></mrow>', '')])
  assert.deepEqual(
    named.map(([source, found]) => [source, found?.replace(/^<mrow>(<mfrac>.*<\/mfrac>)<\/mrow>$/, '$1')]),
    CASES.map(([source, expected]) => [source, expected]),
  )
})

test('what one notebook defines, another one does not know', async () => {
  await mathOf('$\\def\\secret{42}\\secret$')
  assert.deepEqual(await mathOf('$\\secret$'), ['<mtext class="unknown">\\secret</mtext>'])
})

test('an output that is LaTeX is shown as formulas, and one that is a table for paper as its plain text', async () => {
  const latex = (source: string) =>
    code([{ output_type: 'display_data', metadata: {}, data: { 'text/latex': source, 'text/plain': 'plain' } }])
  const { html } = await render([latex('$\\displaystyle x^{2}$'), latex('\\begin{tabular}{l} a \\end{tabular}')])
  assert.match(html, /<msup><mi>x<\/mi><mn>2<\/mn><\/msup>/)
  assert.match(html, /<pre class="text">plain<\/pre>/)
  assert.doesNotMatch(html, /{tabular}/)
})

test('what is no formula is shown as it was written', async () => {
  assert.deepEqual(await mathOf('$a}b$', '$\\frac{a}$', '$$\\left( x$$'), ['$a}b$', '$\\frac{a}$', '$$\\left( x$$'])
})

test('a formula can neither bring markup into the page nor take its time', async () => {
  const bomb = `$\\def\\a{\\b\\b\\b}\\def\\b{\\c\\c\\c}\\def\\c{${'\\d'.repeat(50)}}\\def\\d{${'x'.repeat(100)}}${'\\a'.repeat(500)}$`
  const { rendered, html } = await render([
    prose('$\\text{<script>alert(1)</script>}$ $\\color{red;position:fixed}{x}$ $\\<$ $x"onload="y$'),
    prose(bomb),
    prose(`$${'{'.repeat(5000)}$`),
    prose(`$$${'\\sqrt{'.repeat(300)}$$`),
    prose('$\\def\\x{\\x}\\x$'),
  ])
  assert.equal(rendered.kind, 'rendered')
  assert.doesNotMatch(html, /<script>alert|position:fixed}?"|"onload="/)
})
