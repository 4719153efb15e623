/** Bad input is refused with a message that names the field and what was expected, and loses nothing. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Notebook } from '../../contract/notebooks.ts'
import { type Official, officialClient, refusal, signInOfficially } from '../support/official.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { ipynb, makeApplication, makeNotebook, open, runToEnd } from '../support/steps.ts'

let service: RunningService
let losant: Official
let applicationId: string

before(async () => {
  service = await startService({ env: { FIELDBOOK_NOTEBOOK_SIZE: '100KB', FIELDBOOK_BODY_SIZE: '200KB' } })
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  applicationId = (await makeApplication(losant)).id
})
after(() => service[Symbol.asyncDispose]())

const ID = '0123456789abcdef01234567'
const deviceData = { inputType: 'deviceData', fileName: 'a.csv', start: -1, end: 0 }

const NOTEBOOKS: [string, object, RegExp][] = [
  ['no name', {}, /^notebook\.name is required$/],
  ['an empty name', { name: '' }, /^notebook\.name must not be empty$/],
  [
    'an unknown property',
    { name: 'n', colour: 'red' },
    /^notebook\.colour is not a known property; allowed are .*name/,
  ],
  ['an unknown image', { name: 'n', imageVersion: 'v9' }, /^notebook\.imageVersion must be one of v1, v2, v3, v4$/],
  ['inputs that are no list', { name: 'n', inputs: {} }, /^notebook\.inputs must be a list, not an object$/],
  [
    'an unknown input type',
    { name: 'n', inputs: [{ inputType: 'tapeDrive', fileName: 'a' }] },
    /^notebook\.inputs\.0\.inputType must be one of deviceData, deviceConnectionHistory, /,
  ],
  [
    'an input without its range',
    { name: 'n', inputs: [{ inputType: 'deviceData', fileName: 'a.csv', end: 0 }] },
    /^notebook\.inputs\.0\.start is required \(inputType deviceData\)$/,
  ],
  [
    'an unknown property of an input',
    { name: 'n', inputs: [{ ...deviceData, aggregate: 'MEAN' }] },
    /^notebook\.inputs\.0\.aggregate is not a known property; allowed are inputType, fileName, /,
  ],
  [
    'a file name outside the folder',
    { name: 'n', inputs: [{ ...deviceData, fileName: '../a.csv' }] },
    /^notebook\.inputs\.0\.fileName must be a file name of 1 to 255 letters/,
  ],
  [
    'two inputs with one name',
    { name: 'n', inputs: [deviceData, deviceData] },
    /^notebook\.inputs\.1\.fileName "a\.csv" is taken by another input$/,
  ],
  [
    'a bad device id',
    { name: 'n', inputs: [{ ...deviceData, deviceIds: ['pump-1'] }] },
    /^notebook\.inputs\.0\.deviceIds\.0 must be an id of 24 hexadecimal digits, or a \{\{template\}\} \(inputType deviceData\)$/,
  ],
  [
    'an output without its table',
    { name: 'n', outputs: [{ outputType: 'dataTable', fileName: 'a.csv' }] },
    /^notebook\.outputs\.0\.dataTableId is required \(outputType dataTable\)$/,
  ],
  [
    'a result file that does not exist',
    { name: 'n', outputs: [{ outputType: 'executionResult', fileName: 'result.docx' }] },
    /^notebook\.outputs\.0\.fileName must be one of result\.html, /,
  ],
]

for (const [name, notebook, message] of NOTEBOOKS) {
  test(`a notebook with ${name} is refused`, async () => {
    const refused = await refusal(losant.call('notebooks.post', { applicationId, notebook }))
    assert.deepEqual([refused.statusCode, refused.type], [400, 'Validation'])
    assert.match(refused.message, message)
  })
}

const BAD_FILES: [string, string, RegExp, [number, string]?][] = [
  ['is not JSON', 'print("hello")', /JSON/],
  ['is no object', '[]', /object/],
  ['has no cells', '{"nbformat":4,"nbformat_minor":5,"metadata":{}}', /cells/],
  ['is nbformat 3', '{"nbformat":3,"nbformat_minor":0,"metadata":{},"worksheets":[]}', /nbformat 3/],
  ['is over the size limit', ipynb(`#${'x'.repeat(120_000)}`), /larger than the 100000 bytes/, [413, 'LimitExceeded']],
]

test('an .ipynb that can not be used is refused and the previous file stays', async () => {
  const notebook = await makeNotebook(losant, applicationId, {}, 'print("the first upload")')
  const params = { applicationId, notebookId: notebook.id }
  for (const [what, jupyterFile, message, answer = [400, 'Validation']] of BAD_FILES) {
    const refused = await refusal(losant.call('notebook.upload', { ...params, jupyterFile }))
    assert.deepEqual([refused.statusCode, refused.type], answer, what)
    assert.match(refused.message, message, what)
  }
  const kept = await losant.call<Notebook>('notebook.get', params)
  assert.match(await (await fetch(kept.jupyterFileUrl ?? '')).text(), /the first upload/)
  const log = await runToEnd(losant, notebook)
  assert.equal(await open(log.outputInfo, 'result.log'), 'the first upload\n')
})

test('an execution that can not run is refused before it is queued', async () => {
  const empty = await losant.call<Notebook>('notebooks.post', { applicationId, notebook: { name: 'empty' } })
  const params = { applicationId, notebookId: empty.id }
  const early = await refusal(losant.call('notebook.execute', { ...params, executionOptions: {} }))
  assert.deepEqual([early.statusCode, early.type], [400, 'Validation'])
  assert.match(early.message, /no Jupyter file yet/)

  await losant.call('notebook.upload', { ...params, jupyterFile: ipynb('1') })
  const options: [object, RegExp][] = [
    [{ templateContext: '{not json' }, /^executionOptions\.templateContext must be JSON text/],
    [{ templateContext: {} }, /^executionOptions\.templateContext must be a string, not an object$/],
    [
      { relativeTo: null },
      /^executionOptions\.relativeTo must be a string, a number or an object with \$date, not null$/,
    ],
    [{ relativeTo: 'the day before yesterday' }, /^executionOptions\.relativeTo must be a time/],
    [{ when: 0 }, /^executionOptions\.when is not a known property; allowed are relativeTo, /],
  ]
  for (const [executionOptions, message] of options) {
    const refused = await refusal(losant.call('notebook.execute', { ...params, executionOptions }))
    assert.deepEqual([refused.statusCode, refused.type], [400, 'Validation'])
    assert.match(refused.message, message)
  }
  assert.deepEqual(await losant.call('notebook.logs', { ...params, limit: 10 }), [])
})

test('bad ids, bad JSON and bodies that are too large are refused by name', async () => {
  const bad = await refusal(losant.call('notebook.get', { applicationId, notebookId: 'first' }))
  assert.deepEqual([bad.statusCode, bad.message], [400, 'notebookId must be 24 hexadecimal digits'])
  const absent = await refusal(losant.call('notebook.get', { applicationId, notebookId: ID }))
  assert.deepEqual([absent.statusCode, absent.type, absent.message], [404, 'NotFound', 'Notebook was not found'])
  const foreign = await refusal(losant.call('notebooks.get', { applicationId: ID }))
  assert.deepEqual([foreign.statusCode, foreign.message], [404, 'Application was not found'])
  const large = await refusal(
    losant.call('notebooks.post', { applicationId, notebook: { name: 'n', description: 'x'.repeat(250_000) } }),
  )
  assert.deepEqual([large.statusCode, large.type], [413, 'LimitExceeded'])
  const response = await fetch(`${service.url}/auth/user`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"email": ',
  })
  assert.equal(response.status, 400)
  const body: { type?: string } = JSON.parse(await response.text())
  assert.equal(body.type, 'Validation')
})

test('states and columns of the wrong kind are refused', async () => {
  const device = await losant.call<{ id: string }>('devices.post', { applicationId, device: { name: 'd' } })
  const params = { applicationId, deviceId: device.id }
  const states: [unknown, RegExp][] = [
    [{ time: 0 }, /^deviceState\.data is required$/],
    [
      { data: { temperature: [1] } },
      /^deviceState\.data\.temperature must be a number, a string or true or false, not a list$/,
    ],
    [[{ data: {} }, { data: 1 }], /^deviceState\.1\.data must be an object, not a number$/],
  ]
  for (const [deviceState, message] of states) {
    const refused = await refusal(losant.call('device.sendState', { ...params, deviceState }))
    assert.match(refused.message, message)
  }
  const twice = { name: 'a', dataType: 'number' }
  const refused = await refusal(
    losant.call('devices.post', { applicationId, device: { name: 'd', attributes: [twice, twice] } }),
  )
  assert.match(refused.message, /^device\.attributes\.1\.name "a" is taken by another attribute$/)
  const reserved = await refusal(
    losant.call('dataTables.post', {
      applicationId,
      dataTable: { name: 't', columns: [{ name: 'createdAt', dataType: 'string', constraint: 'optional' }] },
    }),
  )
  assert.match(reserved.message, /^dataTable\.columns\.0\.name "createdAt" is taken/)
})

test('without a token, or with a bad one, nothing is told', async () => {
  const missing = await refusal(officialClient(service.url).call('notebooks.get', { applicationId }))
  assert.deepEqual([missing.statusCode, missing.type], [403, 'Forbidden'])
  const bad = await refusal(officialClient(service.url, 'a.b.c').call('notebooks.get', { applicationId }))
  assert.deepEqual([bad.statusCode, bad.type, bad.message], [401, 'Unauthorized', 'Invalid access token'])
  const wrong = await refusal(signInOfficially(service.url, EMAIL, 'not the password'))
  assert.deepEqual([wrong.statusCode, wrong.type], [401, 'Unauthorized'])
})
