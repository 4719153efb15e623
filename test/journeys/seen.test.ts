/** Watching a run: its events while they happen, again later, from the middle, by many; its notebook as far as it has got. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { ApiFailure, type Client, signIn } from '../../client/client.ts'
import { type WatchedEvent, watchEvents } from '../../client/events.ts'
import { EVENTS } from '../../contract/events.ts'
import { executeNotebook, getExecution } from '../../contract/executions.ts'
import { type Official, signInOfficially } from '../support/official.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { makeApplication, makeNotebook, runToEnd, untilStatus } from '../support/steps.ts'

let service: RunningService
let losant: Official
let client: Client
let applicationId: string

before(async () => {
  service = await startService({ env: { FIELDBOOK_RUN_MINUTES: '1', FIELDBOOK_SLOTS: '2' } })
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  client = await signIn(service.url, EMAIL, PASSWORD)
  applicationId = (await makeApplication(losant)).id
})
after(() => service[Symbol.asyncDispose]())

const ajv = new Ajv({ strict: false })
addFormats.default(ajv)
const checks = new Map(Object.entries(EVENTS).map(([name, schema]) => [name, ajv.compile(schema)]))

interface Run {
  readonly applicationId: string
  readonly notebookId: string
  readonly executionId: string
}

async function execute(...cells: string[]): Promise<Run> {
  const { id: notebookId } = await makeNotebook(losant, applicationId, {}, ...cells)
  const { executionId } = await client.call(executeNotebook, { params: { applicationId, notebookId }, body: {} })
  return { applicationId, notebookId, executionId }
}

/** Every event of a connection, each checked against the contract. */
async function watch(run: Run, options: { lastEventId?: string } = {}, each: (event: WatchedEvent) => void = () => {}) {
  const seen: WatchedEvent[] = []
  for await (const event of watchEvents(client, run, options)) {
    const check = checks.get(event.name)
    assert.ok(check?.(event.data), `${event.name} ${JSON.stringify(event.data)}: ${ajv.errorsText(check?.errors)}`)
    seen.push(event)
    each(event)
  }
  return seen
}

/** A cell that waits until somebody cancels. */
const FOR_EVER = 'import threading; threading.Event().wait()'

const brief = (events: readonly WatchedEvent[]) =>
  events.map(({ name, data }) => {
    if (name === 'phase') return data.phase
    if (name === 'cell') return `${data.cellNumber}/${data.cells} ${data.state}`
    if (name === 'stream') return `${data.name}: ${data.text}`
    return name
  })

const cancel = (run: Run) =>
  fetch(
    `${service.url}/applications/${run.applicationId}/notebooks/${run.notebookId}/cancelExecution?executionId=${run.executionId}`,
    { method: 'POST', headers: { authorization: `Bearer ${client.token}` } },
  )

test('a run is told from the queue to its end, in order, and the same again afterwards', async () => {
  const run = await execute(
    'print("one")',
    'import sys; print("two", file=sys.stderr)\nfrom IPython.display import display, HTML\nh = display(HTML("<b>3</b>"), display_id="x")\nh.update(HTML("<b>4</b>"))',
    '1 / 0',
  )
  const live = await watch(run)
  assert.deepEqual(brief(live), [
    'queued',
    'inputs',
    'notebook',
    '1/3 running',
    'stdout: one\n',
    '1/3 done',
    '2/3 running',
    'stderr: two\n',
    'display',
    'update',
    '2/3 done',
    '3/3 running',
    'cellError',
    '3/3 done',
    'outputs',
    'finished',
  ])
  const ids = live.map(({ id }) => Number(id))
  assert.deepEqual(
    ids,
    ids.toSorted((a, b) => a - b),
  )
  const display = live.find(({ name }) => name === 'display')
  assert.ok(display?.name === 'display')
  assert.deepEqual([display.data.displayId, display.data.data['text/html']], ['x', '<b>3</b>'])
  const end = live.at(-1)
  assert.ok(end?.name === 'finished')
  assert.equal(end.data.status, 'errored')
  const [cause] = end.data.executionErrors
  assert.deepEqual(
    [cause?.name, cause?.cellNumber, cause?.cellIndex, cause?.ename, cause?.evalue],
    ['CellError', 3, 2, 'ZeroDivisionError', 'division by zero'],
  )
  assert.match(cause?.traceback?.join('\n') ?? '', /ZeroDivisionError/)

  assert.deepEqual(await watch(run), live)
  assert.deepEqual(await watch(run, { lastEventId: String(ids[6]) }), live.slice(7))
  assert.deepEqual(await watch(run, { lastEventId: end.id }), [])
})

test('a watcher sees what is printed while the cell still runs, and two see the same', async () => {
  const run = await execute(`print("before", flush=True)\n${FOR_EVER}`)
  const printed = Promise.withResolvers<void>()
  const first = watch(run, {}, ({ name }) => {
    if (name === 'stream') printed.resolve()
  })
  const second = watch(run)
  await printed.promise
  const execution = await client.call(getExecution, { params: run })
  assert.equal(execution.status, 'inProgress')
  assert.deepEqual(execution.progress, { phase: 'notebook', cell: 1, cells: 1 })
  await cancel(run)
  const [a, b] = await Promise.all([first, second])
  assert.deepEqual(a, b)
  assert.equal(a.at(-1)?.name, 'finished')
  assert.deepEqual(a.at(-1)?.data, {
    status: 'canceled',
    executionErrors: [{ name: 'Canceled', message: 'The execution was canceled' }],
  })
})

test('a client that goes away is forgotten, and comes back to where it was', async () => {
  const run = await execute('print("a", flush=True)', FOR_EVER)
  const gone = new AbortController()
  let last = ''
  const reading = (async () => {
    for await (const event of watchEvents(client, run, { signal: gone.signal })) {
      last = event.id
      if (event.name === 'cell' && event.data.cellNumber === 2) gone.abort()
    }
  })()
  await assert.rejects(reading, { name: 'AbortError' })
  await cancel(run)
  const rest = await watch(run, { lastEventId: last })
  // Whether the interrupt met the cell before it waited, and so became an error of it, is chance.
  const told = brief(rest).filter((word) => word !== 'cellError')
  assert.deepEqual(told, ['2/2 done', 'outputs', 'finished'])
})

test('a client that reads nothing holds up neither the run nor another client', async () => {
  const run = await execute(
    'import threading; threading.Event().wait(1)',
    'for i in range(200_000): print(i, "x" * 50)',
  )
  const { hostname, port } = new URL(service.url)
  await using lazy = connect({ host: hostname, port: Number(port) })
  const path = `/applications/${run.applicationId}/notebooks/${run.notebookId}/executions/${run.executionId}/events`
  // As an EventSource asks, which has no headers of its own.
  lazy.write(`GET ${path}?access_token=${client.token}&lastEventId=0 HTTP/1.1\r\nhost: ${hostname}\r\n\r\n`)
  const [first] = await once(lazy, 'data')
  lazy.pause()
  assert.match(String(first), /^HTTP\/1\.1 200 OK\r\n(?:.+\r\n)*content-type: text\/event-stream/)
  const seen = await watch(run)
  const told = seen.map((event) => (event.name === 'stream' ? event.data.text : '')).join('')
  assert.match(told, /^0 x+\n1 x+\n/)
  assert.ok(seen.some(({ name }) => name === 'truncated'))
  assert.deepEqual(brief(seen.slice(-3)), ['2/2 done', 'outputs', 'finished'])
  assert.equal(lazy.destroyed, false)
})

test('an execution that is canceled while it waits is told as ended', async () => {
  const { id: notebookId } = await makeNotebook(losant, applicationId, {}, FOR_EVER)
  const params = { applicationId, notebookId }
  const ids: string[] = []
  // More than there are slots: the last one waits.
  for (let count = 0; count < 3; count += 1) {
    ids.push((await client.call(executeNotebook, { params, body: {} })).executionId)
  }
  const waiting = { ...params, executionId: ids.at(-1) ?? '' }
  const watching = watch(waiting)
  await cancel(waiting)
  assert.deepEqual(brief(await watching), ['queued', 'finished'])
  for (const executionId of ids.slice(0, -1)) await cancel({ ...params, executionId })
  await untilStatus(losant, params, ids[0] ?? '', (status) => status === 'canceled')
})

test('a stranger sees nothing, and an id that is none of the stream is refused', async () => {
  const run = await execute('1')
  const status = async (watching: AsyncIterable<unknown>) => {
    try {
      for await (const _ of watching);
    } catch (error) {
      return error instanceof ApiFailure ? error.status : error
    }
    return 200
  }
  const { url } = client
  assert.equal(await status(watchEvents({ ...client, url, token: undefined }, run)), 403)
  assert.equal(await status(watchEvents(client, { ...run, executionId: 'f'.repeat(24) })), 404)
  assert.equal(await status(watchEvents(client, run, { lastEventId: 'yesterday' })), 400)
  assert.equal(await status(watchEvents(client, run)), 200)
})

const partialOf = async (run: Run) => {
  const url = `${service.url}/applications/${run.applicationId}/notebooks/${run.notebookId}/executions/${run.executionId}/result.ipynb`
  const response = await fetch(url, { headers: { authorization: `Bearer ${client.token}` } })
  assert.equal(response.status, 200)
  assert.match(response.headers.get('content-type') ?? '', /^application\/x-ipynb\+json/)
  return JSON.parse(await response.text())
}

test('the notebook can be had at any moment: as uploaded, as far as it has got, and as it ended', async () => {
  const run = await execute('print("first")', 'import time\nfor i in range(600): print(i, flush=True); time.sleep(0.1)')
  let partial = await partialOf(run)
  assert.equal(partial.nbformat, 4)
  assert.equal(partial.cells.length, 2)
  while (partial.cells[1].outputs.length === 0) {
    await pause(100)
    partial = await partialOf(run)
  }
  assert.equal(partial.cells[0].outputs[0].text, 'first\n')
  assert.match(partial.cells[1].outputs[0].text, /^0\n1\n/)
  await cancel(run)
  const ended = await untilStatus(losant, run, run.executionId, (status) => status === 'canceled')
  assert.equal(ended.status, 'canceled')
  const result = await partialOf(run)
  assert.ok(result.cells[1].outputs[0].text.startsWith(partial.cells[1].outputs[0].text))
})

test('an execution tells what it used and how long everything took', async () => {
  const notebook = await makeNotebook(
    losant,
    applicationId,
    { outputs: [{ outputType: 'temporaryUrl', fileName: 'a.txt' }] },
    'import os, time\nopen(os.environ["OUTPUT_DIR"] + "/a.txt", "w").write("x" * 1000)\ntime.sleep(0.2)',
    'big = bytearray(50_000_000)\nprint("y" * 100)',
  )
  const { id: executionId } = await runToEnd(losant, notebook)
  const { usage, limits, attempt, executionErrors } = await client.call(getExecution, {
    params: { applicationId, notebookId: notebook.id, executionId },
  })
  assert.deepEqual([attempt, executionErrors], [1, []])
  assert.deepEqual(
    usage.cells.map(({ cellNumber, cellIndex }) => [cellNumber, cellIndex]),
    [
      [1, 0],
      [2, 1],
    ],
  )
  assert.ok((usage.cells[0]?.ms ?? 0) >= 200)
  assert.ok(usage.bytesOut > 1000 && usage.bytesIn === 0)
  assert.ok((usage.outputBytes ?? 0) > 100)
  assert.deepEqual(Object.keys(usage.phasesMs), ['queued', 'inputs', 'notebook', 'outputs'])
  assert.equal(limits?.runMinutes, 1)
  // Without control groups nobody counts.
  if (usage.peakMemoryBytes !== undefined) assert.ok(usage.peakMemoryBytes > 50_000_000)
  if (usage.cpuSeconds !== undefined) assert.ok(usage.cpuSeconds > 0)
})
