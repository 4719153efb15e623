/** Every type of output through the official client: what a notebook writes, and what somebody finds afterwards. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Client, signIn } from '../../client/client.ts'
import type { DataTable } from '../../contract/data-tables.ts'
import { type ExecutionLog, getExecution } from '../../contract/executions.ts'
import type { ApplicationFile } from '../../contract/files.ts'
import type { NotebookOutput } from '../../contract/notebook-files.ts'
import { type Notebook, patchNotebook } from '../../contract/notebooks.ts'
import { listPrivateFiles } from '../../contract/private-files.ts'
import type { DataTableRow } from '../../contract/rows.ts'
import { type Official, signInOfficially } from '../support/official.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { makeApplication, makeNotebook, open, runToEnd } from '../support/steps.ts'

let service: RunningService
let losant: Official
let client: Client
let applicationId: string

before(async () => {
  service = await startService()
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  client = await signIn(service.url, EMAIL, PASSWORD)
  applicationId = (await makeApplication(losant)).id
  const globals = [{ key: 'site', json: '{"name":"north"}' }]
  await losant.call('application.patch', { applicationId, application: { globals } })
})
after(() => service[Symbol.asyncDispose]())

const WRITE = `import os
os.chdir(os.environ["OUTPUT_DIR"])
def out(name, text):
    os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
    open(name, "w", newline="").write(text)
`

async function prepare(outputs: NotebookOutput[], code: string, name = 'a notebook'): Promise<Notebook> {
  const notebook = await makeNotebook(losant, applicationId, { name }, `${WRITE}${code}`)
  // By our own client: the official one is older than private destinations.
  await client.call(patchNotebook, { params: { applicationId, notebookId: notebook.id }, body: { outputs } })
  return notebook
}

async function completed(notebook: Notebook, context: object = {}): Promise<ExecutionLog> {
  const log = await runToEnd(losant, notebook, { templateContext: JSON.stringify(context) })
  assert.deepEqual([log.status, log.executionErrors], ['completed', []])
  return log
}

/** Paths of everything in a directory and below it; directories end with a slash. */
async function publicTree(directory: string): Promise<string[]> {
  const { items } = await losant.call<{ items: ApplicationFile[] }>('files.get', { applicationId, perPage: 1000 })
  return items
    .map(({ parentDirectory, name, type }) => `${parentDirectory}${name}${type === 'directory' ? '/' : ''}`)
    .filter((path) => path.startsWith(directory))
    .sort()
}

const tableOf = (columns: DataTable['columns'] = []) =>
  losant.call<DataTable>('dataTables.post', { applicationId, dataTable: { name: 'readings', columns } })

test('dataTable: columns are made for what all values are, rows are replaced, and what has no column is told', async () => {
  const table = await tableOf([{ name: 'name', dataType: 'string', constraint: 'required' }])
  const output = { outputType: 'dataTable', fileName: 'rows.csv', dataTableId: '{{ctx.table}}' } as const
  // A mark, CRLF, a line break in quotes, and the columns that every row has by itself.
  const csv =
    '\uFEFFid,createdAt,name,n,ok,code,late\r\n1,now,"two\r\nlines",1.5,True,007,1\r\n2,now,b,-2,false,8,2\r\n3,now,c,,,,three\r\n'
  const making = await prepare(
    [{ ...output, createMissingColumns: true, truncateExistingTable: true }],
    `out("rows.csv", ${JSON.stringify(csv)})`,
  )
  for (const _ of [1, 2]) await completed(making, { table: table.id })
  const { columns } = await losant.call<DataTable>('dataTable.get', { applicationId, dataTableId: table.id })
  assert.deepEqual(
    columns.map(({ name, dataType, constraint }) => [name, dataType, constraint]),
    [
      ['name', 'string', 'required'],
      ['n', 'number', 'optional'],
      ['ok', 'boolean', 'optional'],
      ['code', 'string', 'optional'],
      ['late', 'string', 'optional'],
    ],
  )
  const rows = async () =>
    (await losant.call<{ items: DataTableRow[] }>('dataTableRows.get', { applicationId, dataTableId: table.id })).items
  const values = (await rows()).map(({ name, n, ok, code, late }) => [name, n, ok, code, late])
  assert.deepEqual(values, [
    ['two\r\nlines', 1.5, true, '007', '1'],
    ['b', -2, false, '8', '2'],
    ['c', null, null, null, 'three'],
  ])

  const adding = await prepare([output], 'out("rows.csv", "name,unknown\\nd,x\\n")')
  const { id } = await completed(adding, { table: table.id })
  assert.equal((await rows()).length, 4)
  const params = { applicationId, notebookId: adding.id, executionId: id }
  const { warnings } = await client.call(getExecution, { params })
  assert.deepEqual(warnings, [
    'Output "rows.csv" (dataTable): One column of the file is not in data table "readings", and ignored: "unknown"',
  ])
})

test('dataTable: a million rows arrive, the last of which decides a type', async () => {
  const table = await tableOf()
  const notebook = await prepare(
    [{ outputType: 'dataTable', fileName: 'rows.csv', dataTableId: table.id, createMissingColumns: true }],
    `import io
text = io.StringIO("".join(f"{i},{i / 8},{i}\\n" for i in range(999_999)))
out("rows.csv", "n,share,code\\n" + text.getvalue() + "999999,0.5,last\\n")`,
  )
  await completed(notebook)
  const page = await losant.call<{ totalCount: number; items: DataTableRow[] }>('dataTableRows.get', {
    applicationId,
    dataTableId: table.id,
    limit: 1,
    sortColumn: 'n',
    sortDirection: 'desc',
  })
  const [last] = page.items
  assert.deepEqual([page.totalCount, last?.['n'], last?.['share'], last?.['code']], [1_000_000, 999_999, 0.5, 'last'])
})

test('file: templates make its path, folders are made, and the next run replaces it in place', async () => {
  const notebook = await prepare(
    [
      {
        outputType: 'file',
        fileName: '{{ctx.name}}.csv',
        destinationFileNameTemplate: '{{execution.id}}-{{ctx.name}}.csv',
        destinationDirectoryTemplate: '/by run/{{globals.site.name}}/{{notebook.name}}/{{execution.runStartedAt}}',
      },
      { outputType: 'file', fileName: '{{ctx.name}}.csv', destinationFileNameTemplate: 'latest.html' },
    ],
    'import json\nn = json.load(open(os.environ["INPUT_DIR"] + "/context.json"))["n"]\nout("may.csv", "x" * n)',
    'Monthly',
  )
  const first = await completed(notebook, { name: 'may', n: 5 })
  const { files, latest } = await found()
  assert.deepEqual(files, [`/by run/north/Monthly/${first.runStartedAt}/${first.id}-may.csv`])
  assert.deepEqual([latest.authorType, latest.authorId, latest.fileSize], ['notebook', notebook.id, 5])
  assert.equal(latest.contentType, 'text/html')
  await completed(notebook, { name: 'may', n: 7 })
  const again = await found()
  assert.equal(again.files.length, 2)
  assert.deepEqual([again.latest.id, again.latest.fileSize], [latest.id, 7])
  assert.equal(await (await fetch(again.latest.url ?? '')).text(), 'xxxxxxx')

  async function found() {
    const below = (await publicTree('/by run/')).filter((path) => !path.endsWith('/'))
    const { items } = await losant.call<{ items: ApplicationFile[] }>('files.get', { applicationId, directory: '/' })
    const file = items.find(({ name }) => name === 'latest.html')
    assert.ok(file)
    return { files: below, latest: file }
  }
})

test('directory: everything below it is placed, empty folders too, public or private, with a link for each file', async () => {
  const notebook = await prepare(
    [
      {
        outputType: 'directory',
        directoryName: '{{ctx.folder}}',
        destinationDirectoryTemplate: '/shown/{{ctx.folder}}',
      },
      { outputType: 'directory', directoryName: 'charts', destinationDirectoryTemplate: '/', destinationPrivate: true },
    ],
    'out("charts/a.svg", "<svg/>")\nout("charts/Zürich 1/deep/b.csv", "b")\nos.makedirs("charts/empty/er")',
  )
  const log = await completed(notebook, { folder: 'charts' })
  const below = ['Zürich 1/', 'Zürich 1/deep/', 'Zürich 1/deep/b.csv', 'a.svg', 'empty/', 'empty/er/'].sort()
  assert.deepEqual(await publicTree('/shown/charts/'), [
    '/shown/charts/',
    ...below.map((path) => `/shown/charts/${path}`),
  ])
  const { items } = await client.call(listPrivateFiles, { params: { applicationId }, query: { perPage: '1000' } })
  const hidden = items.map(
    ({ parentDirectory, name, type }) => `${parentDirectory}${name}${type === 'file' ? '' : '/'}`,
  )
  assert.deepEqual(hidden.sort(), below.map((path) => `/${path}`).sort())
  assert.equal(await open(log.outputInfo, 'charts/Zürich 1/deep/b.csv'), 'b')
  const { size, contentType } = log.outputInfo['charts/a.svg'] ?? {}
  assert.deepEqual([size, contentType], [6, 'image/svg+xml'])
  const published = await fetch(`${service.url}/files/${applicationId}/shown/charts/Z%C3%BCrich%201/deep/b.csv`)
  assert.equal(await published.text(), 'b')
})

test('directory: links, special files and names that lie are left out by name, and the rest is stored', async () => {
  const notebook = await prepare(
    [{ outputType: 'directory', directoryName: 'traps', destinationDirectoryTemplate: '/traps' }],
    `out("traps/good.txt", "good")
os.symlink("/etc/passwd", "traps/link")
os.symlink("/etc", "traps/folder")
out("traps/one", "1"); os.link("traps/one", "traps/two")
os.mkfifo("traps/pipe")
open(b"traps/\\xff", "w").close(); out("traps/turned \\u202efdp.exe", "x")`,
  )
  const log = await runToEnd(losant, notebook)
  assert.equal(log.status, 'errored')
  const [error, ...others] = log.executionErrors
  assert.deepEqual([error?.name, others], ['OutputRejected', []])
  for (const name of ['"link"', '"folder"', '"one"', '"two"', '"pipe"', '"\uFFFD"', '"turned \\u202efdp.exe"']) {
    assert.ok(error?.message.includes(name), `${name} in ${error?.message}`)
  }
  assert.match(error?.message ?? '', /^Output "traps" \(directory\): 7 of its files and folders were left out: /)
  assert.deepEqual(await publicTree('/traps/'), ['/traps/', '/traps/good.txt'])
  assert.equal(await open(log.outputInfo, 'traps/good.txt'), 'good')
})

test('executionResult: with a destination it is an application file, without one a link', async () => {
  const notebook = await prepare(
    [
      { outputType: 'executionResult', fileName: 'result.log', destinationDirectoryTemplate: '/logs/{{execution.id}}' },
      {
        outputType: 'executionResult',
        fileName: 'result.ipynb',
        destinationFileNameTemplate: '{{notebook.name}}.ipynb',
        destinationPrivate: true,
      },
      { outputType: 'executionResult', fileName: 'result.error.log' },
    ],
    'import sys\nprint("printed")\nprint("warned", file=sys.stderr)\nif json.loads(open(os.environ["INPUT_DIR"] + "/context.json").read())["fails"]: raise ValueError("no")'.replace(
      'import sys',
      'import sys, json',
    ),
    'With results',
  )
  const log = await completed(notebook, { fails: false })
  assert.deepEqual(await publicTree('/logs/'), ['/logs/', `/logs/${log.id}/`, `/logs/${log.id}/result.log`])
  assert.equal(await open(log.outputInfo, 'result.error.log'), 'warned\n')
  const { items } = await client.call(listPrivateFiles, { params: { applicationId }, query: { directory: '/' } })
  const kept = items.find(({ name }) => name === 'With results.ipynb')
  assert.equal(JSON.parse(await (await fetch(kept?.url ?? '')).text()).cells.length, 1)
  // Results are stored after a failure, too.
  const failed = await runToEnd(losant, notebook, { templateContext: '{"fails": true}' })
  assert.deepEqual(
    failed.executionErrors.map(({ name }) => name),
    ['CellError'],
  )
  assert.ok((await publicTree('/logs/')).includes(`/logs/${failed.id}/result.log`))
})

test('temporaryUrl: a link of a week that opens without credentials, in parts, and can’t be altered', async () => {
  const notebook = await prepare(
    [{ outputType: 'temporaryUrl', fileName: 'report.csv' }],
    'out("report.csv", "0123456789")\nout("not configured.csv", "x")',
  )
  const log = await completed(notebook)
  const { url = '', size, contentType } = log.outputInfo['report.csv'] ?? {}
  assert.deepEqual([size, contentType], [10, 'text/csv'])
  assert.deepEqual(Object.keys(log.outputInfo).sort(), ['report.csv', 'result.error.log', 'result.ipynb', 'result.log'])
  const ends = Number(new URL(url).searchParams.get('expires')) - Date.parse(log.outputsCompletedAt ?? '')
  assert.equal(ends, 7 * 86_400_000)
  const part = await fetch(url, { headers: { range: 'bytes=2-4' } })
  assert.deepEqual([part.status, await part.text(), part.headers.get('content-range')], [206, '234', 'bytes 2-4/10'])
  for (const change of [/report\.csv/, /expires=\d/, /signature=.{4}/]) {
    const altered = await fetch(url.replace(change, (text) => `${text.slice(0, -1)}${text.endsWith('a') ? 'b' : 'a'}`))
    assert.equal(altered.status, 403, String(change))
  }
  assert.deepEqual(await publicTree('/report'), [])
})

test('directory: of thousands of files the logs have a hundred links and the count, the execution itself has all', async () => {
  const notebook = await prepare(
    [
      { outputType: 'directory', directoryName: 'a', destinationDirectoryTemplate: '/many' },
      { outputType: 'temporaryUrl', fileName: 'z.csv' },
    ],
    'for i in range(2000): out(f"a/{i:04}", "x")\nout("z.csv", "z")',
  )
  const log = await completed(notebook)
  const single = ['result.error.log', 'result.ipynb', 'result.log', 'z.csv']
  const names = (count: number) => Array.from({ length: count }, (_, index) => `a/${String(index).padStart(4, '0')}`)
  assert.deepEqual(Object.keys(log.outputInfo).sort(), [...names(100 - single.length), ...single])
  const params = { applicationId, notebookId: notebook.id, executionId: log.id }
  const detail = await client.call(getExecution, { params })
  assert.deepEqual(Object.keys(detail.outputInfo).sort(), [...names(2000), ...single])
  assert.deepEqual([log.outputCount, detail.outputCount], [2004, 2004])
  assert.equal(await open(detail.outputInfo, 'a/1999'), 'x')
})
