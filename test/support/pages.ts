/** Pages of notebooks that tests make up: a renderer over a folder of the test file's own, and what it makes. */

import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { createLog } from '../../server/ground/log.ts'
import { createRenderer, type Renderer, type RendererOptions } from '../../server/render/renderer.ts'
import { DEFAULT_LIMITS } from '../../server/sandbox/spec.ts'
import { testBrowser } from './chromium.ts'
import { testHost, testImage } from './image.ts'

export const [image, host] = await Promise.all([testImage(), testHost()])
const root = await mkdtemp(join(tmpdir(), 'fieldbook-test-'))
await chmod(root, 0o755) // without namespaces pages are made by others, who must be able to enter it
after(() => rm(root, { recursive: true }))

let rooms = 0

/** A renderer with a folder of its own, closed after the file's tests. */
export async function openRenderer(
  options: Partial<Pick<RendererOptions, 'host' | 'limits' | 'browser' | 'deadlineMs' | 'idleMs'>> = {},
): Promise<Renderer & { folder: string }> {
  const folder = join(root, `renderings-${rooms++}`)
  await mkdir(folder)
  const renderer = createRenderer({
    host,
    root: folder,
    limits: DEFAULT_LIMITS,
    log: createLog('silent'),
    browser: testBrowser,
    ...options,
  })
  after(() => renderer[Symbol.asyncDispose]())
  return {
    ...renderer,
    folder,
    get state() {
      return renderer.state
    },
  }
}

export const resident = await openRenderer()

export async function render(cells: unknown, renderer: Pick<Renderer, 'render'> = resident, signal?: AbortSignal) {
  const folder = await mkdtemp(join(root, 'page-'))
  const [ipynbPath, path] = [join(folder, 'result.ipynb'), join(folder, 'result.html')]
  await writeFile(ipynbPath, JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells }))
  const request = { image, ipynbPath, path, title: 'Rain', owner: 'us', ...(signal ? { signal } : {}) }
  const rendered = await renderer.render('result.html', request)
  const html = await readFile(path, 'utf8').catch(() => '')
  return { rendered, html, left: (await readdir(folder)).sort() }
}

export const prose = (source: string) => ({ cell_type: 'markdown', id: 'm', metadata: {}, source })

export const code = (outputs: unknown[], source = 'x = 1') => ({
  cell_type: 'code',
  id: 'c',
  metadata: {},
  source,
  execution_count: 1,
  outputs,
})

export const printed = (text: string) => code([{ output_type: 'stream', name: 'stdout', text }])
