/** What a notebook printed for a terminal, on its page. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { printed, render } from '../support/pages.ts'

/** What the page has of each printed text. */
async function shownOf(...texts: string[]): Promise<string[]> {
  const { html } = await render(texts.map(printed))
  return [...html.matchAll(/<pre class="text">(.*?)<\/pre>/gs)].map(([, shown = '']) => shown)
}

const CASES: readonly [text: string, shown: string][] = [
  ['plain <b>', 'plain &lt;b&gt;'],
  ['\x1b[31mred\x1b[0m plain', '<span class="ansi-red-fg">red</span> plain'],
  ['\x1b[1;32mbright', '<span class="ansi-green-intense-fg ansi-bold">bright</span>'],
  ['\x1b[4;44m<i>', '<span class="ansi-blue-bg ansi-underline">&lt;i&gt;</span>'],
  ['\x1b[7mi\x1b[27mj', '<span class="ansi-default-inverse-fg ansi-default-inverse-bg">i</span>j'],
  ['\x1b[38;5;208mx', '<span style="color: rgb(255,135,0)">x</span>'],
  ['\x1b[48;2;1;2;3mx', '<span style="background-color: rgb(1,2,3)">x</span>'],
  ['\x1b[2Kgone\x1b[1A', 'gone'],
  ['\x1b[38;5;999mx\x1b[;;mz', 'xz'],
]

test('colours of a terminal are shown, and its other orders left out', async () => {
  assert.deepEqual(
    await shownOf(...CASES.map(([text]) => text)),
    CASES.map(([, shown]) => shown),
  )
})

test('megabytes of coloured lines are a page like any other', async () => {
  const { rendered } = await render([printed('\x1b[31mred\x1b[0m and \x1b[1mbold\x1b[0m\n'.repeat(100_000))])
  assert.equal(rendered.kind, 'rendered')
})
