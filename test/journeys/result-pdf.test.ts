/** result.pdf as people have it: after every ending, with what a report holds on it, and without being asked for before. */

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { signIn } from '../../client/client.ts'
import type { ExecutionLog } from '../../contract/executions.ts'
import { putLimits } from '../../contract/limits.ts'
import type { NotebookPost } from '../../contract/notebooks.ts'
import { noChromium } from '../support/chromium.ts'
import { type Official, signInOfficially } from '../support/official.ts'
import { pdfPages } from '../support/pdf-text.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { makeApplication, makeNotebook, runToEnd, untilStatus } from '../support/steps.ts'
import { until } from '../support/until.ts'

const skip = await noChromium()
const parts = new AsyncDisposableStack()
let service: RunningService
let losant: Official
let applicationId: string
let folder: string

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fieldbook-test-'))
  parts.defer(() => rm(folder, { recursive: true }))
  service = parts.use(await startService())
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  applicationId = (await makeApplication(losant)).id
})
after(() => parts.disposeAsync())

const ASKED: NotebookPost['outputs'] = [{ outputType: 'executionResult', fileName: 'result.pdf' }]

const notebookOf = (outputs: NotebookPost['outputs'], ...cells: string[]) =>
  makeNotebook(losant, applicationId, { name: 'Weather of the week', ...(outputs ? { outputs } : {}) }, ...cells)

async function pagesOf(response: Response): Promise<string[]> {
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('content-type'), 'application/pdf')
  const path = join(folder, 'result.pdf')
  await writeFile(path, Buffer.from(await response.arrayBuffer()))
  return pdfPages(path)
}

async function pdfOf({ outputInfo, executionErrors }: ExecutionLog): Promise<string[]> {
  const info = outputInfo['result.pdf']
  if (!info) throw new Error(`there is no result.pdf: ${JSON.stringify(executionErrors)}`)
  assert.equal(info.contentType, 'application/pdf')
  return pagesOf(await fetch(info.url))
}

const withoutSpace = (pages: readonly string[]) => pages.join('').replaceAll(/\s/g, '')

test('a report is on paper as it is on its page: text of all languages, tables, plots, long lines, numbered pages', {
  skip,
}, async () => {
  const line = Array.from({ length: 60 }, (_, index) => `reading_${index}`).join(' + ')
  const notebook = await notebookOf(
    ASKED,
    `print('降水量 강수량 雨量')\nlong = ${JSON.stringify(line)}`,
    'import pandas\npandas.DataFrame({f"column{i}": [i] for i in range(20)})',
    'import matplotlib.pyplot as plot\n_ = plot.plot([1, 3, 2])',
    'from IPython.display import HTML\nHTML("<svg width=300 height=30><text id=t y=20></text></svg><script>document.getElementById(\\"t\\").textContent = \\"drawn by\\" + \\" a script\\"</script>")',
    'for i in range(150): print("line", i)',
  )
  const log = await runToEnd(losant, notebook)
  assert.equal(log.status, 'completed', JSON.stringify(log.executionErrors))
  const pages = await pdfOf(log)
  const text = withoutSpace(pages)
  assert.ok(pages.length >= 3, `${pages.length} pages`)
  for (const [index, page] of pages.entries()) {
    assert.ok(page.includes(`${index + 1} / ${pages.length}`), page)
    assert.match(page, /Weather of the week/)
  }
  assert.ok(text.includes('降水量강수량雨量'))
  assert.ok(text.includes(line.replaceAll(' ', '')), 'the long line is there to its end')
  for (let index = 0; index < 20; index++) assert.ok(text.includes(`column${index}`), `column${index}`)
  assert.match(text, /drawnbyascript/)
  assert.match(text, /line149/)
})

const endings: Readonly<Record<string, { cell: string; shows: RegExp }>> = {
  errored: { cell: 'reading = 1 / 0', shows: /ZeroDivisionError/ },
  timeout: { cell: 'while True: pass', shows: /whileTrue/ },
  canceled: { cell: 'import threading; threading.Event().wait()', shows: /threading/ },
}

for (const [status, { cell, shows }] of Object.entries(endings)) {
  test(`a run that ends as ${status} has a PDF up to where it got`, { skip }, async () => {
    const notebook = await notebookOf(ASKED, 'print("as far as this", flush=True)', cell, 'print("never")')
    const run = { applicationId, notebookId: notebook.id }
    const client = await signIn(service.url, EMAIL, PASSWORD)
    if (status === 'timeout') await client.call(putLimits, { params: run, body: { runMinutes: 0.1 } })
    const { executionId } = await losant.call<{ executionId: string }>('notebook.execute', {
      ...run,
      executionOptions: {},
    })
    if (status === 'canceled') {
      const at = `${service.url}/applications/${applicationId}/notebooks/${notebook.id}`
      const headers = { authorization: `Bearer ${(await signIn(service.url, EMAIL, PASSWORD)).token}` }
      const soFar = async () => (await fetch(`${at}/executions/${executionId}/result.ipynb`, { headers })).text()
      await until(async () => /far as this\\n/.test(await soFar()))
      await fetch(`${at}/cancelExecution?executionId=${executionId}`, { method: 'POST', headers })
    }
    const log = await untilStatus(losant, run, executionId, (now) => now === status)
    const text = withoutSpace(await pdfOf(log))
    assert.match(text, /asfarasthis/)
    assert.match(text, shows)
    assert.match(text, /Weatheroftheweek1\/1/)
  })
}

test('a PDF that no output had asked for is made when a person asks, and kept', { skip }, async () => {
  const log = await runToEnd(losant, await notebookOf([], 'print("made later")'))
  assert.ok(!('result.pdf' in log.outputInfo))
  const { token } = await signIn(service.url, EMAIL, PASSWORD)
  const url = `${service.url}/applications/${applicationId}/notebooks/${log.notebookId}/executions/${log.id}/result.pdf`
  const pages = await pagesOf(await fetch(url, { headers: { authorization: `Bearer ${token}` } }))
  assert.match(withoutSpace(pages), /madelater/)
  const kept = await untilStatus(losant, { applicationId, notebookId: log.notebookId }, log.id, () => true)
  assert.ok('result.pdf' in kept.outputInfo)
})

test('a notebook whose page cannot be printed has no PDF, is told why, and the next one has its own', {
  skip,
}, async () => {
  const hanging = 'from IPython.display import HTML\nHTML("<script>close()</script>")'
  const log = await runToEnd(losant, await notebookOf(ASKED, hanging))
  assert.equal(log.status, 'errored')
  assert.deepEqual(log.executionErrors, [
    {
      name: 'ResultNotMade',
      message: 'result.pdf could not be made: The PDF could not be printed: its page closed itself',
    },
  ])
  assert.ok('result.ipynb' in log.outputInfo)
  const next = await runToEnd(losant, await notebookOf(ASKED, 'print("next")'))
  assert.match(withoutSpace(await pdfOf(next)), /next/)
})
