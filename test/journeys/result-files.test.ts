/** The result files of a run after every ending, through the official client: all there, up to where the run got, and openable. */

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { type Client, signIn } from '../../client/client.ts'
import { cancelExecution, type ExecutionLog, getExecution } from '../../contract/executions.ts'
import { putLimits } from '../../contract/limits.ts'
import { noChromium } from '../support/chromium.ts'
import { makeFolder } from '../support/make.ts'
import { type Official, signInOfficially } from '../support/official.ts'
import { pdfPages } from '../support/pdf-text.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { makeApplication, makeNotebook, open, runToEnd, untilStatus } from '../support/steps.ts'
import { until } from '../support/until.ts'

let service: RunningService
let losant: Official
let client: Client
let applicationId: string

before(async () => {
  service = await startService()
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  client = await signIn(service.url, EMAIL, PASSWORD)
  applicationId = (await makeApplication(losant)).id
})
after(() => service[Symbol.asyncDispose]())

/** Those that are made because an output asks for them, the document where there is a browser; the others are always there. */
const ASKED = ['result.html' as const, ...((await noChromium()) ? [] : ['result.pdf' as const])]
const RESULTS = ['result.error.log', 'result.ipynb', 'result.log', ...ASKED].sort()
const OUTPUTS = [
  ...ASKED.map((fileName) => ({ outputType: 'executionResult' as const, fileName })),
  { outputType: 'temporaryUrl' as const, fileName: 'rows.csv' },
]

/** What every run here does before its end, and what none but the completed one gets to. */
const FIRST = `import os, sys
open(os.path.join(os.environ["OUTPUT_DIR"], "rows.csv"), "w").write("a\\n1\\n")
print("began" + "-here", flush=True)
print("war" + "ned", file=sys.stderr, flush=True)`
const LAST = 'print("ended" + "-here")'

const makeRun = (...middle: string[]) =>
  makeNotebook(losant, applicationId, { outputs: OUTPUTS }, FIRST, ...middle, LAST)

/** Every file opens without credentials, whole and in part, as its record says. */
async function requireOpenable(log: ExecutionLog): Promise<void> {
  for (const [name, { url, size, contentType }] of Object.entries(log.outputInfo)) {
    const [whole, part, head] = await Promise.all([
      fetch(url),
      fetch(url, { headers: { range: 'bytes=0-0' } }),
      fetch(url, { method: 'HEAD' }),
    ])
    const bytes = Buffer.from(await whole.arrayBuffer())
    assert.deepEqual([whole.status, bytes.length, head.status], [200, size, 200], name)
    assert.equal(head.headers.get('content-length'), String(size), name)
    assert.ok(whole.headers.get('content-type')?.startsWith(contentType), `${name}: ${contentType}`)
    assert.match(whole.headers.get('content-security-policy') ?? '', /^sandbox;/, name)
    assert.equal(whole.headers.get('x-content-type-options'), 'nosniff', name)
    assert.equal(whole.headers.get('content-disposition'), `inline; filename="${name}"`)
    // Of an empty file no part can be had (RFC 9110 §14.1.2).
    assert.equal(part.status, size > 0 ? 206 : 416, name)
    assert.deepEqual(Buffer.from(await part.arrayBuffer()).subarray(0, size > 0 ? 1 : 0), bytes.subarray(0, 1), name)
    const expires = Number(new URL(url).searchParams.get('expires'))
    assert.equal(expires - Date.parse(log.outputsCompletedAt ?? ''), 7 * 86_400_000, name)
  }
}

/** The text of the document, where there is one. */
async function documentOf(t: TestContext, { outputInfo }: ExecutionLog): Promise<[name: string, text: string][]> {
  const url = outputInfo['result.pdf']?.url
  if (!url) return []
  const path = join(await makeFolder(t), 'result.pdf')
  await writeFile(path, Buffer.from(await (await fetch(url)).arrayBuffer()))
  return [['result.pdf', (await pdfPages(path)).join('\n')]]
}

/** All result files hold what came before the end, and nothing of what comes after it unless the run completed. */
async function requireResults(t: TestContext, log: ExecutionLog, { error }: { error?: RegExp } = {}): Promise<void> {
  const isComplete = log.status === 'completed'
  const expected = isComplete ? [...RESULTS, 'rows.csv'].sort() : RESULTS
  assert.deepEqual(Object.keys(log.outputInfo).sort(), expected)
  await requireOpenable(log)
  const notebook = JSON.parse(await open(log.outputInfo, 'result.ipynb'))
  const outputs = JSON.stringify(notebook.cells.map((cell: { outputs: unknown }) => cell.outputs))
  const texts = {
    'result.ipynb': outputs,
    'result.html': await open(log.outputInfo, 'result.html'),
    'result.log': await open(log.outputInfo, 'result.log'),
  }
  for (const [name, text] of [...Object.entries(texts), ...(await documentOf(t, log))]) {
    assert.match(text, /began-here/, name)
    if (isComplete) assert.match(text, /ended-here/, name)
    else assert.doesNotMatch(text, /ended-here/, name)
  }
  assert.match(await open(log.outputInfo, 'result.error.log'), /warned/)
  if (!error) return
  assert.match(outputs, error)
  assert.match(texts['result.html'], error)
}

test('completed: all result files, and what else was asked for', async (t) => {
  const log = await runToEnd(losant, await makeRun())
  assert.equal(log.status, 'completed', JSON.stringify(log.executionErrors))
  await requireResults(t, log)
})

test('errored by a cell: all result files up to it, the traceback in them', async (t) => {
  const log = await runToEnd(losant, await makeRun('raise ValueError("too " + "cold")'))
  assert.equal(log.status, 'errored')
  await requireResults(t, log, { error: /ValueError[\s\S]*too cold/ })
  assert.match(await open(log.outputInfo, 'result.error.log'), /too cold/)
})

test('errored by the death of its kernel: all result files up to it', async (t) => {
  const log = await runToEnd(losant, await makeRun('import os\nos._exit(3)'))
  assert.equal(log.status, 'errored')
  assert.equal(log.executionErrors[0]?.name, 'KernelDied')
  await requireResults(t, log)
})

test('errored by an output that is missing: all result files, and all of the notebook', async () => {
  const notebook = await makeNotebook(
    losant,
    applicationId,
    { outputs: [...OUTPUTS, { outputType: 'temporaryUrl', fileName: 'forgotten.csv' }] },
    FIRST,
    LAST,
  )
  const log = await runToEnd(losant, notebook)
  assert.equal(log.status, 'errored')
  assert.equal(log.executionErrors[0]?.name, 'OutputMissing')
  assert.deepEqual(Object.keys(log.outputInfo).sort(), [...RESULTS, 'rows.csv'].sort())
  await requireOpenable(log)
  for (const name of ['result.ipynb', 'result.html', 'result.log']) {
    assert.match(await open(log.outputInfo, name), /ended-here/, name)
  }
})

test('timeout: all result files up to the cell that took too long', async (t) => {
  const notebook = await makeRun('import time\ntime.sleep(600)')
  const params = { applicationId, notebookId: notebook.id }
  await client.call(putLimits, { params, body: { runMinutes: 0.05 } })
  const log = await runToEnd(losant, notebook)
  assert.equal(log.status, 'timeout')
  assert.equal(log.executionErrors[0]?.name, 'RunTimeout')
  await requireResults(t, log)
})

test('canceled: all result files up to the cell that ran', async (t) => {
  const notebook = await makeRun('import time\ntime.sleep(600)')
  const params = { applicationId, notebookId: notebook.id }
  const { executionId } = await losant.call<{ executionId: string }>('notebook.execute', {
    ...params,
    executionOptions: {},
  })
  await until(async () => {
    const { progress } = await client.call(getExecution, { params: { ...params, executionId } })
    return progress.cell === 2
  })
  await client.call(cancelExecution, { params, query: { executionId } })
  const log = await untilStatus(losant, params, executionId, (status) => status === 'canceled')
  await requireResults(t, log)
})
