/** Every way a run can end: what is told, what is kept, and what is not stored. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { signIn } from '../../client/client.ts'
import type { DataTable } from '../../contract/data-tables.ts'
import type { NotebookPost } from '../../contract/notebooks.ts'
import type { DataTableRow } from '../../contract/rows.ts'
import { type Official, signInOfficially } from '../support/official.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { makeApplication, makeNotebook, open, runToEnd, untilStatus } from '../support/steps.ts'

let service: RunningService
let losant: Official
let applicationId: string

before(async () => {
  // 1.8 s: long enough for every notebook here that is meant to end by itself.
  service = await startService({ env: { FIELDBOOK_RUN_MINUTES: '0.1', FIELDBOOK_RUN_MEMORY: '600MB' } })
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  applicationId = (await makeApplication(losant)).id
})
after(() => service[Symbol.asyncDispose]())

const WRITE = 'import os\ndef out(name, text): open(os.path.join(os.environ["OUTPUT_DIR"], name), "w").write(text)\n'

const tableOf = (columns: DataTable['columns'] = []) =>
  losant.call<DataTable>('dataTables.post', { applicationId, dataTable: { name: 'a table', columns } })

const rowsOf = async (dataTableId: string) =>
  (await losant.call<{ items: DataTableRow[] }>('dataTableRows.get', { applicationId, dataTableId })).items

async function run(outputs: NotebookPost['outputs'], ...cells: string[]) {
  const notebook = await makeNotebook(losant, applicationId, { outputs: outputs ?? [] }, ...cells)
  return runToEnd(losant, notebook)
}

test('a cell that raises ends the run errored, names the cell and keeps the notebook up to there', async () => {
  const table = await tableOf([{ name: 'a', dataType: 'number', constraint: 'optional' }])
  const log = await run(
    [
      { outputType: 'dataTable', fileName: 'a.csv', dataTableId: table.id },
      { outputType: 'executionResult', fileName: 'result.html' },
    ],
    `${WRITE}out("a.csv", "a\\n1\\n")\nprint("before")`,
    'reading = 1 / 0',
    'print("never")',
  )
  assert.equal(log.status, 'errored')
  assert.deepEqual(log.executionErrors, [
    {
      name: 'CellError',
      message: 'Cell [2] (cell 2 of the notebook) raised ZeroDivisionError: division by zero',
    },
  ])
  assert.deepEqual(Object.keys(log.outputInfo).sort(), [
    'result.error.log',
    'result.html',
    'result.ipynb',
    'result.log',
  ])
  const partial = JSON.parse(await open(log.outputInfo, 'result.ipynb'))
  assert.equal(partial.cells[0].outputs[0].text, 'before\n')
  assert.equal(partial.cells[1].outputs[0].ename, 'ZeroDivisionError')
  assert.deepEqual(partial.cells[2].outputs, [])
  assert.match(await open(log.outputInfo, 'result.error.log'), /ZeroDivisionError: division by zero/)
  assert.match(await open(log.outputInfo, 'result.html'), /ZeroDivisionError/)
  assert.deepEqual(await rowsOf(table.id), [])
})

test('an output that is missing or not a plain file is named, and the others are stored', async () => {
  const log = await run(
    [
      { outputType: 'temporaryUrl', fileName: 'forgotten.csv' },
      { outputType: 'temporaryUrl', fileName: 'link.txt' },
      { outputType: 'temporaryUrl', fileName: 'pipe' },
      { outputType: 'temporaryUrl', fileName: 'good.txt' },
    ],
    `${WRITE}out("good.txt", "good")\nos.symlink("/etc/hostname", os.environ["OUTPUT_DIR"] + "/link.txt")\nos.mkfifo(os.environ["OUTPUT_DIR"] + "/pipe")`,
  )
  assert.equal(log.status, 'errored')
  assert.deepEqual(
    log.executionErrors.map(({ message }) => message.replace(/;.*/, '')),
    [
      'Output "forgotten.csv" (temporaryUrl): "forgotten.csv" was not found',
      'Output "link.txt" (temporaryUrl): "link.txt" is a symbolic link',
      'Output "pipe" (temporaryUrl): "pipe" is not a plain file',
    ],
  )
  assert.equal(await open(log.outputInfo, 'good.txt'), 'good')
})

test('a table takes all rows or none, and the first bad row, column and value are named', async () => {
  const table = await tableOf([
    { name: 'n', dataType: 'number', constraint: 'required' },
    { name: 'key', dataType: 'string', constraint: 'unique' },
  ])
  const output = {
    outputType: 'dataTable',
    fileName: 'a.csv',
    dataTableId: table.id,
    truncateExistingTable: true,
  } as const
  const store = (csv: string) => run([output], `${WRITE}out("a.csv", ${JSON.stringify(csv)})`)
  assert.equal((await store('n,key\n1,a\n2,b\n')).status, 'completed')
  const cases: [string, string][] = [
    ['n,key\n3,c\nmany,d\n', 'Row 2, column "n": "many" is not a number'],
    ['n,key\n,c\n', 'Row 1, column "n" is empty, but the column is required'],
    ['n,key\n3,c\n4,c\n', 'Row 2, column "key" is unique, but the value "c" would be there twice'],
    ['n,key\n3\n', 'Row 1 has 1 cells, the header has 2'],
    ['', 'The file is empty; a CSV file starts with a line of column names'],
  ]
  for (const [csv, message] of cases) {
    const log = await store(csv)
    assert.equal(log.status, 'errored')
    assert.deepEqual(log.executionErrors, [
      { name: 'OutputRejected', message: `Output "a.csv" (dataTable): ${message}` },
    ])
  }
  const rows = await rowsOf(table.id)
  assert.deepEqual(
    rows.map((row) => [row['n'], row['key']]),
    [
      [1, 'a'],
      [2, 'b'],
    ],
    'what was there before is still there, the truncation included in what was undone',
  )
})

test('an input that fails ends the run before its notebook, naming the input', async () => {
  const notebook = await makeNotebook(
    losant,
    applicationId,
    {
      inputs: [
        { inputType: 'deviceData', fileName: 'good.csv', start: -1, end: 0 },
        { inputType: 'deviceData', fileName: '{{ctx.name}}', start: -1, end: 0 },
      ],
    },
    'print("never")',
  )
  const log = await runToEnd(losant, notebook, { templateContext: '{"name": "../escape"}' })
  assert.equal(log.status, 'errored')
  assert.equal(log.executionErrors[0]?.name, 'InputFailed')
  assert.match(
    log.executionErrors[0]?.message ?? '',
    /^Input "\{\{ctx\.name\}\}" \(deviceData\): its file name renders to "\.\.\/escape"/,
  )
  assert.equal(log.notebookCompletedAt, undefined)
  assert.equal(await open(log.inputInfo, 'good.csv'), 'ID,Timestamp\n')
})

test('a kernel that ends under a cell is told with the cell', async () => {
  const log = await run([], 'print("alive")', 'import os\nos._exit(3)')
  assert.equal(log.status, 'errored')
  assert.equal(log.executionErrors[0]?.name, 'KernelDied')
  assert.match(log.executionErrors[0]?.message ?? '', /^Cell \[2\] .*exit code 3/)
  assert.match(await open(log.outputInfo, 'result.ipynb'), /alive/)
})

test('a notebook that runs too long ends as timeout with what it had', async () => {
  const log = await run([], 'print("started", flush=True)', 'while True: pass')
  assert.equal(log.status, 'timeout')
  assert.equal(log.maxAllowedRunMinutes, 0.1)
  assert.match(log.executionErrors[0]?.message ?? '', /longer than the 0.1 minutes/)
  assert.equal(await open(log.outputInfo, 'result.log'), 'started\n')
})

test('a running execution can be canceled in both spellings, and keeps what it had', async () => {
  const notebook = await makeNotebook(
    losant,
    applicationId,
    {},
    'print("started", flush=True)',
    'import time\ntime.sleep(600)',
  )
  const params = { applicationId, notebookId: notebook.id }
  const { token } = await signIn(service.url, EMAIL, PASSWORD)
  for (const spelling of ['/cancelExecution', '']) {
    const { executionId } = await losant.call<{ executionId: string }>('notebook.execute', {
      ...params,
      executionOptions: {},
    })
    await untilStatus(losant, params, executionId, (status) => status === 'inProgress')
    const cancel = () =>
      fetch(
        `${service.url}/applications/${applicationId}/notebooks/${notebook.id}${spelling}?executionId=${executionId}`,
        { method: 'POST', headers: { authorization: `Bearer ${token}` } },
      )
    const answer = await cancel()
    assert.deepEqual([answer.status, await answer.json()], [200, { success: true }])
    const log = await untilStatus(losant, params, executionId, (status) => status === 'canceled')
    assert.deepEqual(log.executionErrors, [{ name: 'Canceled', message: 'The execution was canceled' }])
    assert.ok('result.ipynb' in log.outputInfo)
    assert.equal((await cancel()).status, 404, 'an execution that has ended can not be canceled')
  }
  // Usage by day, in both spellings as well.
  const read = async (path: string) => {
    const response = await fetch(`${service.url}/applications/${applicationId}/notebooks/${notebook.id}${path}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    return { status: response.status, body: JSON.parse(await response.text()) }
  }
  const day = new Date().toISOString().slice(0, 10)
  const range = `start=${Date.parse(`${day}T00:00:00Z`) - 86_400_000}&end=${Date.now() + 60_000}`
  for (const path of [`/notebookMinuteCounts?${range}`, `?${range}`]) {
    const { status, body } = await read(path)
    assert.equal(status, 200)
    const [before, today] = body.counts
    assert.deepEqual(Object.values(before).slice(1), [0, 0, 0, 0, 0])
    assert.equal(today.canceled, 2)
  }
  assert.equal((await read('/notebookMinuteCounts?start=2000000000000&end=1')).status, 400)
})

test('deleting a notebook ends its run and takes its logs along', async () => {
  const notebook = await makeNotebook(losant, applicationId, {}, 'import time\ntime.sleep(600)')
  const params = { applicationId, notebookId: notebook.id }
  const { executionId } = await losant.call<{ executionId: string }>('notebook.execute', {
    ...params,
    executionOptions: {},
  })
  await untilStatus(losant, params, executionId, (status) => status === 'inProgress')
  await losant.call('notebook.delete', params)
  // The slot is free again: a short run on the same service ends.
  const log = await run([], '1 + 1')
  assert.equal(log.status, 'completed')
})
