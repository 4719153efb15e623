/**
 * What a page costs: result.html of a notebook of 70 cells by the resident process, each page in a sandbox of its own,
 * against a fresh process of ours, `jupyter nbconvert` of the same image without any sandbox, and through the whole API;
 * and result.pdf, the same page printed, where there is a browser.
 */

import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { executeNotebook } from '../contract/executions.ts'
import { createLog } from '../server/ground/log.ts'
import { readBrowser } from '../server/render/browser.ts'
import { renderFresh } from '../server/render/html.ts'
import { createRenderer } from '../server/render/renderer.ts'
import type { Rendered } from '../server/render/rendering.ts'
import { readImage } from '../server/sandbox/image.ts'
import { probeSandbox } from '../server/sandbox/probe.ts'
import { DEFAULT_LIMITS } from '../server/sandbox/spec.ts'
import { createGate } from './idle.ts'
import { type Contestant, interleave } from './measure.ts'
import { report } from './notebooks.ts'
import { executeOnce, type Ids, type Ours, openOurs } from './ours.ts'
import { atLeast, atMost, type Report } from './report.ts'

const CELLS = 70
const MOST_MS = 60
const MOST_PDF_MS = 500
/** Before its outputs. */
const MOST_KB = 120

const TOOLS = join(import.meta.dirname, '../.fieldbook')

const PDF = 'ours, result.pdf'

/** `rounds` pages of each way, which take turns. */
export async function benchRender(rounds: number): Promise<Report> {
  await using parts = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'fieldbook-bench-'))
  parts.defer(() => rm(folder, { recursive: true, force: true }))
  await using ours = await openOurs()
  const notebook = report()
  const ids = await ours.prepare(notebook)
  const ipynbPath = join(folder, 'executed.ipynb')
  await writeFile(ipynbPath, await executed(ours, ids))
  const emptyPath = join(folder, 'empty.ipynb')
  await writeFile(emptyPath, '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')

  const tools: { bwrap: string } = JSON.parse(await readFile(join(TOOLS, 'tools.json'), 'utf8'))
  const image = await readImage(join(TOOLS, 'images/v4/image.json'))
  const host = await probeSandbox({ bwrap: tools.bwrap, mode: 'on' })
  const root = join(folder, 'renderings')
  await mkdir(root)
  const log = createLog('warn')
  const browser = () => readBrowser(TOOLS)
  const renderer = parts.use(createRenderer({ host, root, limits: DEFAULT_LIMITS, log, browser }))
  const requestOf = (name: string, from = ipynbPath) => ({
    image,
    ipynbPath: from,
    path: join(folder, name),
    title: notebook.name,
    owner: 'bench',
  })
  const hasBrowser = await browser().then(
    () => true,
    () => false,
  )
  const contestants: Contestant[] = [
    timed('ours, resident', async () => succeeded(await renderer.render('result.html', requestOf('resident.html')))),
    timed('ours, a fresh process', async () =>
      succeeded(await renderFresh({ ...requestOf('fresh.html'), host, limits: DEFAULT_LIMITS, deadlineMs: 60_000 })),
    ),
    timed('jupyter nbconvert', () => nbconvert(image.python, ipynbPath, folder)),
    await throughApi(ours, ids),
    ...(hasBrowser
      ? [timed(PDF, async () => succeeded(await renderer.render('result.pdf', requestOf('resident.pdf'))))]
      : []),
  ]
  const gate = createGate()
  const rows = await interleave(contestants, rounds, gate.pass)
  succeeded(await renderer.render('result.html', requestOf('empty.html', emptyPath)))
  const kB = async (name: string) => Math.round((await stat(join(folder, name))).size / 100) / 10
  const medianOf = (name: string) => rows.find((row) => row.name === name)?.medianMs ?? 0
  const resident = medianOf('ours, resident')
  const sizes: Record<string, string> = {
    'ours, resident': 'resident.html',
    'jupyter nbconvert': 'stock.html',
    [PDF]: 'resident.pdf',
  }
  const table = await Promise.all(
    rows.map(async ({ name, medianMs, minMs, maxMs }) => [
      name,
      Math.round(medianMs),
      Math.round(minMs),
      Math.round(maxMs),
      name === 'ours, resident' ? '' : `${(medianMs / resident).toFixed(1)} ×`,
      sizes[name] ? await kB(sizes[name]) : '',
    ]),
  )
  const beforeOutputs = await kB('empty.html')
  return {
    name: 'render',
    says: `${notebook.says}: ${rounds} interleaved pages of each way after one that does not count, ms`,
    tables: [{ head: ['', 'median', 'min', 'max', 'as long as ours', 'page in kB'], rows: table }],
    bars: [
      atMost(`a page of ${CELLS} cells, warm`, resident, MOST_MS, 'ms'),
      atMost('a page before its outputs', beforeOutputs, MOST_KB, 'kB'),
      ...(hasBrowser ? [atMost(`a PDF of ${CELLS} cells, warm`, medianOf(PDF), MOST_PDF_MS, 'ms')] : []),
      atLeast('times a fresh jupyter nbconvert', medianOf('jupyter nbconvert') / resident, 1, '×'),
    ],
    notes: [
      'Ours, resident: from a file to a file. The child was forked ahead, into a sandbox of its own; its end and the next fork come after the page.',
      'jupyter nbconvert: `python -m nbconvert --to html` of the same image, without a sandbox, with its own template.',
      'Through the API: GET …/executions/{id}/result.html of a run that nobody had rendered, until the page is read: the job, its record and the blob included.',
      hasBrowser
        ? 'result.pdf: the resident page and its printing by a browser that waits, from a file to a file.'
        : 'result.pdf: not measured, this machine has no browser.',
      gate.told,
    ],
  }
}

const timed = (name: string, work: () => Promise<void>): Contestant => ({
  name,
  run: async () => {
    const startedAt = performance.now()
    await work()
    return performance.now() - startedAt
  },
})

function succeeded(made: Rendered): void {
  if (made.kind === 'failed') throw new Error(made.message)
}

async function nbconvert(python: string, ipynbPath: string, folder: string): Promise<void> {
  const options = ['--to', 'html', '--output', join(folder, 'stock.html'), '--log-level', 'ERROR', ipynbPath]
  await promisify(execFile)(python, ['-m', 'nbconvert', ...options], { cwd: folder, timeout: 120_000 })
}

/** The notebook as a run leaves it. */
async function executed(ours: Ours, ids: Ids): Promise<string> {
  const { detail } = await executeOnce(ours.client, ids)
  return (await fetch(detail.outputInfo['result.ipynb']?.url ?? '')).text()
}

/** Each time of another run: a page is made once. */
async function throughApi({ client }: Ours, ids: Ids): Promise<Contestant> {
  return {
    name: 'ours, through the API',
    run: async () => {
      const { detail } = await executeOnce(client, ids)
      const { path } = executeNotebook
      const run = path
        .replace(':applicationId', ids.applicationId)
        .replace(':notebookId', ids.notebookId)
        .replace(/execute$/, `executions/${detail.id}/result.html`)
      const startedAt = performance.now()
      const page = await fetch(client.url + run, { headers: { authorization: `Bearer ${client.token}` } })
      if (!page.ok) throw new Error(await page.text())
      await page.text()
      return performance.now() - startedAt
    },
  }
}
