/**
 * nbconvert of the image in the sandbox, with our template.
 */
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'
import { renderHtml } from '../../server/render/html.ts'
import { DEFAULT_LIMITS } from '../../server/sandbox/spec.ts'
import { testHost, testImage } from '../support/image.ts'

const [image, host] = await Promise.all([testImage(), testHost()])

async function render(cells: unknown, deadlineMs = 60_000) {
  const folder = await mkdtemp(join(tmpdir(), 'fieldbook-test-'))
  const [ipynbPath, htmlPath] = [join(folder, 'result.ipynb'), join(folder, 'result.html')]
  await writeFile(ipynbPath, JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells }))
  const rendered = await renderHtml({
    image,
    host,
    ipynbPath,
    htmlPath,
    title: 'Rain',
    limits: DEFAULT_LIMITS,
    deadlineMs,
  })
  const html = await readFile(htmlPath, 'utf8').catch(() => '')
  const left = await readdir(folder)
  await rm(folder, { recursive: true })
  return { rendered, html, left }
}

const code = (outputs: unknown[]) => ({
  cell_type: 'code',
  id: 'c',
  metadata: {},
  source: 'x = 1',
  execution_count: 1,
  outputs,
})

test('a notebook becomes one page with its text, code and outputs, and nothing to fetch', async () => {
  const { rendered, html, left } = await render([
    { cell_type: 'markdown', id: 'm', metadata: {}, source: '# Heading\n$x^2$' },
    code([{ output_type: 'stream', name: 'stdout', text: 'printed\n' }]),
  ])
  assert.equal(rendered.kind, 'rendered')
  assert.match(html, /Heading/)
  assert.match(html, /printed/)
  assert.match(html, /<title>Rain<\/title>/)
  assert.doesNotMatch(html, /(src|href)="(https?:|file:|\/\/)/)
  assert.deepEqual(left.sort(), ['result.html', 'result.ipynb'])
})

test('a picture a notebook names is not read from the machine', async () => {
  const { html } = await render([{ cell_type: 'markdown', id: 'm', metadata: {}, source: '![x](/etc/passwd)' }])
  assert.doesNotMatch(html, /base64|root:/)
})

test('what can’t be converted is a value with the reason, and leaves nothing', async () => {
  const { rendered, left } = await render('no list')
  assert.equal(rendered.kind, 'failed')
  assert.match(rendered.kind === 'failed' ? rendered.message : '', /The conversion to HTML failed: \w+/)
  assert.deepEqual(left, ['result.ipynb'])
})

test('a conversion over its deadline is ended', async () => {
  const { rendered } = await render([code([])], 1)
  assert.equal(rendered.kind === 'failed' && rendered.message, 'The conversion to HTML took too long')
})
