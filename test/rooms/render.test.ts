/**
 * Pages by nbconvert of the image in the sandbox, with our template: by the resident process, and by a fresh one.
 */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import test from 'node:test'
import { renderFresh } from '../../server/render/html.ts'
import type { Renderer } from '../../server/render/renderer.ts'
import { probeSandbox } from '../../server/sandbox/probe.ts'
import { DEFAULT_LIMITS } from '../../server/sandbox/spec.ts'
import { closedTo } from '../support/closed.ts'
import { host, image, openRenderer, printed, prose, render, resident } from '../support/pages.ts'
import { until } from '../support/until.ts'

/** The processes that have this parent. */
async function childrenOf(pid: number): Promise<number[]> {
  const listed = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return listed.split(' ').filter(Boolean).map(Number)
}

/** Of a process that may have died with another one. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** The other way to the same page. */
const fresh: Pick<Renderer, 'render'> = {
  render: (_, request) => renderFresh({ ...request, host, limits: DEFAULT_LIMITS, deadlineMs: 60_000 }),
}

test('a notebook becomes one page with its text, code and outputs, and nothing to fetch, either way', async () => {
  const cells = [prose('# Heading\n$x^2$'), printed('printed\n')]
  const { rendered, html, left } = await render(cells)
  assert.equal(rendered.kind, 'rendered')
  assert.match(html, /Heading/)
  assert.match(html, /printed/)
  assert.match(html, /<title>Rain<\/title>/)
  assert.doesNotMatch(html, /(src|href)="(https?:|file:|\/\/)/)
  assert.deepEqual(left, ['result.html', 'result.ipynb'])
  assert.equal((await render(cells, fresh)).html, html)
})

test('what a page has before its outputs is less than 120 kB', async () => {
  const { html } = await render([])
  assert.ok(html.length > 5000 && html.length < 120_000, `${html.length} bytes`)
})

test('a picture a notebook names is not read from the machine', async () => {
  const { html } = await render([prose('![x](/etc/passwd)')])
  assert.doesNotMatch(html, /base64|root:/)
})

test('an attachment that is missing costs its picture, not the page', async () => {
  const { rendered } = await render([prose('![x](attachment:nothing.png)')])
  assert.equal(rendered.kind, 'rendered')
})

test('what can’t be converted is a value with the reason, and leaves nothing, either way', async () => {
  for (const renderer of [resident, fresh]) {
    const { rendered, left } = await render('no list', renderer)
    assert.equal(rendered.kind, 'failed')
    assert.match(rendered.kind === 'failed' ? rendered.message : '', /The conversion to HTML failed: \w+/)
    assert.deepEqual(left, ['result.ipynb'])
  }
})

const foldersOf = async ({ folder }: { folder: string }) =>
  (await readdir(folder)).filter((name) => /^[0-9a-f]{16}$/.test(name))

test('nothing is started before the first page, and nothing of a page is left but the child that waits', async () => {
  const renderer = await openRenderer()
  assert.deepEqual(renderer.state, {})
  for (const text of ['1', '2', '3']) await render([printed(text)], renderer)
  assert.equal(renderer.state[image.version]?.ready, true)
  await until(async () => (await foldersOf(renderer)).length === 1)
  await renderer[Symbol.asyncDispose]()
  assert.deepEqual(await readdir(renderer.folder), [])
})

test('when no page is asked for any more nothing stays, and the next one starts anew', async () => {
  const renderer = await openRenderer({ idleMs: 50 })
  await render([printed('1')], renderer)
  await until(
    async () => renderer.state[image.version]?.ready === false && (await readdir(renderer.folder)).length === 0,
  )
  assert.match((await render([printed('anew')], renderer)).html, /anew/)
})

test('the child that waits may die, and many pages may be wanted at once', async () => {
  const renderer = await openRenderer()
  await render([printed('first')], renderer)
  const parent = renderer.state[image.version]?.pid ?? 0
  await until(async () => (await childrenOf(parent)).length > 0)
  for (const pid of await childrenOf(parent)) kill(pid)
  const texts = Array.from({ length: 5 }, (_, index) => `page ${index}`)
  const made = await Promise.all(texts.map((text) => render([printed(text)], renderer)))
  for (const [index, { html }] of made.entries()) {
    assert.deepEqual(html.match(/page \d/g), [texts[index]])
  }
})

test('without namespaces pages are made behind Landlock', async (t) => {
  const closed = process.getuid?.() === 0 ? await closedTo(image.mounts.map(({ source }) => source)) : undefined
  if (closed !== undefined) return t.skip(`the image lies below ${closed}, which other users can't enter`)
  const landlocked = await probeSandbox({ bwrap: host.bwrap, mode: 'landlock', image: async () => image })
  assert.equal(landlocked.level, 1)
  const { html } = await render([printed('behind Landlock')], await openRenderer({ host: landlocked }))
  assert.match(html, /behind Landlock/)
})

test('a page over its deadline is ended, and so is one that nobody wants any more', async () => {
  // Takes seconds: a short page can be there before whoever is to end it has been heard.
  const long = [prose('*a '.repeat(200_000))]
  const hasty = await openRenderer({ deadlineMs: 100 })
  const { rendered, left } = await render(long, hasty)
  assert.equal(rendered.kind === 'failed' && rendered.message, 'The conversion to HTML took too long')
  assert.deepEqual(left, ['result.ipynb'])

  const unwanted = new AbortController()
  const waiting = render(long, resident, unwanted.signal)
  setTimeout(() => unwanted.abort(), 300)
  const ended = (await waiting).rendered
  assert.equal(ended.kind === 'failed' && ended.message, 'The conversion to HTML was canceled')
})

test('a page that takes more memory than it may is ended with that reason', async () => {
  const small = await openRenderer({ limits: { ...DEFAULT_LIMITS, memoryBytes: 64 * 2 ** 20 } })
  const { rendered } = await render([printed('0123456789\n'.repeat(4_000_000))], small)
  assert.equal(
    rendered.kind === 'failed' && rendered.message,
    'The conversion to HTML needed more memory than it may have',
  )
})

test('the process is started again when it has died', async () => {
  const renderer = await openRenderer()
  await render([printed('1')], renderer)
  const pid = renderer.state[image.version]?.pid ?? 0
  process.kill(pid, 'SIGKILL')
  const { html } = await render([printed('again')], renderer)
  assert.match(html, /again/)
  await until(async () => renderer.state[image.version]?.ready === true && renderer.state[image.version]?.pid !== pid)
})
