/**
 * Pages by nbconvert of the image in the sandbox, with our template: by the resident process, and by a fresh one.
 */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after } from 'node:test'
import { createLog } from '../../server/ground/log.ts'
import { renderFresh } from '../../server/render/html.ts'
import { createRenderer, type Renderer } from '../../server/render/renderer.ts'
import { DEFAULT_LIMITS, type SandboxLimits } from '../../server/sandbox/spec.ts'
import { testHost, testImage } from '../support/image.ts'
import { until } from '../support/until.ts'

const [image, host] = await Promise.all([testImage(), testHost()])
const root = await mkdtemp(join(tmpdir(), 'fieldbook-test-'))
after(() => rm(root, { recursive: true }))

let rooms = 0

/** A renderer with a folder of its own, closed after the file's tests. */
async function openRenderer(
  options: { limits?: SandboxLimits; deadlineMs?: number } = {},
): Promise<Renderer & { folder: string }> {
  const folder = join(root, `renderings-${rooms++}`)
  await mkdir(folder)
  const renderer = createRenderer({ host, root: folder, limits: DEFAULT_LIMITS, log: createLog('silent'), ...options })
  after(() => renderer[Symbol.asyncDispose]())
  return {
    ...renderer,
    folder,
    get state() {
      return renderer.state
    },
  }
}

const resident = await openRenderer()

async function render(cells: unknown, renderer: Pick<Renderer, 'render'> = resident, signal?: AbortSignal) {
  const folder = await mkdtemp(join(root, 'page-'))
  const [ipynbPath, path] = [join(folder, 'result.ipynb'), join(folder, 'result.html')]
  await writeFile(ipynbPath, JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells }))
  const request = { image, ipynbPath, path, title: 'Rain', ...(signal ? { signal } : {}) }
  const rendered = await renderer.render('result.html', request)
  const html = await readFile(path, 'utf8').catch(() => '')
  return { rendered, html, left: (await readdir(folder)).sort() }
}

const code = (outputs: unknown[], source = 'x = 1') => ({
  cell_type: 'code',
  id: 'c',
  metadata: {},
  source,
  execution_count: 1,
  outputs,
})
const prose = (source: string) => ({ cell_type: 'markdown', id: 'm', metadata: {}, source })
const printed = (text: string) => code([{ output_type: 'stream', name: 'stdout', text }])

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

test('nothing is started before the first page, and nothing of a page is left after it', async () => {
  const renderer = await openRenderer()
  assert.deepEqual(renderer.state, {})
  await render([printed('1')], renderer)
  assert.equal(renderer.state[image.version]?.ready, true)
  const leftovers = async () => (await readdir(renderer.folder)).filter((name) => /^[0-9a-f]{16}$/.test(name))
  await until(async () => (await leftovers()).length === 0)
})

test('a page over its deadline is ended, and so is one that nobody wants any more', async () => {
  const hasty = await openRenderer({ deadlineMs: 1 })
  const { rendered, left } = await render([printed('1')], hasty)
  assert.equal(rendered.kind === 'failed' && rendered.message, 'The conversion to HTML took too long')
  assert.deepEqual(left, ['result.ipynb'])

  const unwanted = new AbortController()
  const waiting = render([prose('*a '.repeat(200_000))], resident, unwanted.signal)
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
