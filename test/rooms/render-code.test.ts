/** Code of a notebook on its page: in colours, and to the character what its author wrote. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { code, prose, render } from '../support/pages.ts'

const RUNNER = join(import.meta.dirname, '../../runner')

/** The contents of all blocks of code on a page, as HTML. */
async function blocksOf(...sources: string[]): Promise<string[]> {
  const { html } = await render(sources.map((source) => code([], source)))
  return [...html.matchAll(/<div class="highlight"><pre>(.*?)<\/pre>/gs)].map(([, block = '']) => block)
}

const textOf = (block: string) =>
  block
    .replaceAll(/<span class="\w+">|<\/span>/g, '')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')

test('code is in colours', async () => {
  const [block = ''] = await blocksOf('@cached\ndef f(self, x=1.5):\n    return f"{len(x)} of" if x else None  # why')
  for (const [name, text] of [
    ['nd', '@cached'],
    ['k', 'def'],
    ['nf', 'f'],
    ['bp', 'self'],
    ['m', '1.5'],
    ['k', 'return'],
    ['s', ' of"'],
    ['nb', 'len'],
    ['kc', 'None'],
    ['c1', '# why'],
  ]) {
    assert.ok(block.includes(`<span class="${name}">${text}</span>`), `${name} ${text} in ${block}`)
  }
})

test('whatever its colours, the text of code is what was written', async () => {
  const sources = [
    await readFile(join(RUNNER, 'forks/room.py'), 'utf8'),
    await readFile(join(RUNNER, 'render/python_code.py'), 'utf8'),
    'print("<script>alert(1)</script>", \'&amp;\', a < b > c & d)',
    "\"unclosed\nx = '''unclosed, too\n",
    'f"{a!r:>{width}} {{}} {f\'{b}\'}" rb"\\x00" u\'\'',
    '%timeit f(1)\n!ls -l | wc\nx = !pwd\nprint?',
    '%%bash\nfor i in *; do echo "$i" > /dev/null; done',
    '%%html\n<b>bold</b>\n<script>1 < 2</script>',
    'é = "ü"; 変数 = 1; x.print.lambda_',
    '\tdef\n  @\n@ ',
    '"'.repeat(20_000),
    `f"${'{'.repeat(20_000)}`,
  ]
  const blocks = await blocksOf(...sources)
  assert.deepEqual(
    blocks.map(textOf),
    sources.map((source) => source.replace(/\n+$/, '')),
  )
})

test('code in text has the colours of its language, and none in one that nobody knows', async () => {
  const { html } = await render([prose('```js\nlet x = 1 // a\n```\n\n```nonsense\nlet <x>\n```\n\n```\nplain\n```')])
  assert.match(html, /<span class="c1">\/\/ a<\/span>/)
  assert.match(html, /<pre>let &lt;x&gt;<\/pre>/)
  assert.match(html, /<pre>plain<\/pre>/)
})
