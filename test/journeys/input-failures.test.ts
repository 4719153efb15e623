/** Inputs that can't be had: refused when they are saved, or told by name and in words when they are gathered. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { signIn } from '../../client/client.ts'
import { getExecution } from '../../contract/executions.ts'
import type { NotebookInput } from '../../contract/notebook-files.ts'
import { type Official, refusal, signInOfficially } from '../support/official.ts'
import { makePlant, startSite } from '../support/plant.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { makeApplication, makeNotebook, open, runToEnd } from '../support/steps.ts'

let service: RunningService
let site: Awaited<ReturnType<typeof startSite>>
let losant: Official

before(async () => {
  // The site that externalUrl fetches stands on this machine, which only a trusting operator allows.
  service = await startService({ env: { FIELDBOOK_ALLOW_PRIVATE_ADDRESSES: 'true' } })
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  site = await startSite()
})
after(async () => {
  site[Symbol.dispose]()
  await service[Symbol.asyncDispose]()
})

test('every type of input fails by name and in words, and what else was gathered can be seen', async () => {
  const { applicationId } = await makePlant(losant, site.origin)
  const good: NotebookInput = { inputType: 'deviceMetadata', fileName: 'good.csv', queryJson: '{}' }
  const range = { start: -1000, end: 0 }
  const cases: [input: NotebookInput, reason: RegExp][] = [
    [{ inputType: 'deviceData', fileName: 'bad', ...range, deviceIds: ['{{ctx.none}}'] }, /not a device id/],
    [{ inputType: 'deviceConnectionHistory', fileName: 'bad', ...range, queryJson: '{"a": 1}' }, /queryJson\.a/],
    [{ inputType: 'deviceMetadata', fileName: 'bad', queryJson: '{' }, /queryJson must be JSON/],
    [{ inputType: 'dataTable', fileName: 'bad', dataTableId: '5f0000000000000000000001' }, /was not found/],
    [{ inputType: 'eventData', fileName: 'bad', queryJson: '{"level": {"$foo": 1}}' }, /queryJson\.level\.\$foo/],
    [{ inputType: 'externalUrl', fileName: 'bad', sourceUrl: `${site.origin}/missing` }, /answered with status 404/],
    [{ inputType: 'applicationFile', fileName: 'bad', filePath: '/none.csv' }, /there is no application file/],
    [{ inputType: 'deviceMetadata', fileName: '{{ctx.up}}' }, /renders to "\.\.\/up"/],
    [{ inputType: 'deviceMetadata', fileName: '{{ctx.same}}' }, /"good\.csv" is taken by another input/],
  ]
  const templateContext = JSON.stringify({ up: '../up', same: 'good.csv' })
  for (const [input, reason] of cases) {
    const notebook = await makeNotebook(losant, applicationId, { inputs: [good, input] }, 'print("never")')
    const log = await runToEnd(losant, notebook, { templateContext })
    assert.equal(log.status, 'errored', input.inputType)
    const [error, ...others] = log.executionErrors
    assert.deepEqual(others, [])
    assert.equal(error?.name, 'InputFailed')
    assert.ok(error.message.startsWith(`Input "${input.fileName}" (${input.inputType}): `), error.message)
    assert.match(error.message, reason)
    assert.deepEqual(Object.keys(log.inputInfo), ['good.csv'])
    assert.match(await open(log.inputInfo, 'good.csv'), /^ID,Name,/)
  }
})

test('an input that chooses nothing is a header, and the execution says so', async () => {
  const { applicationId } = await makePlant(losant, site.origin)
  const inputs: NotebookInput[] = [{ inputType: 'deviceData', fileName: 'data.csv', start: -1, end: 0 }]
  const notebook = await makeNotebook(losant, applicationId, { inputs }, 'print(1)')
  const log = await runToEnd(losant, notebook)
  assert.equal(log.status, 'completed')
  assert.equal(await open(log.inputInfo, 'data.csv'), 'ID,Timestamp\n')
  const params = { applicationId, notebookId: notebook.id, executionId: log.id }
  const { warnings } = await (await signIn(service.url, EMAIL, PASSWORD)).call(getExecution, { params })
  assert.equal(warnings.length, 1)
  assert.match(warnings[0] ?? '', /^Input "data\.csv" chooses no devices/)
})

test('inputs that can not be are refused when they are saved', async () => {
  const { id: applicationId } = await makeApplication(losant)
  const cases: [input: object, reason: RegExp][] = [
    [{ inputType: 'deviceData', fileName: 'a.csv', start: 0 }, /^notebook\.inputs\.0\.end is required/],
    [{ inputType: 'deviceMetadata', fileName: 'a.csv', format: 'xml' }, /^notebook\.inputs\.0\.format/],
    [{ inputType: 'dataTable', fileName: 'a.csv' }, /^notebook\.inputs\.0\.dataTableId is required/],
    [{ inputType: 'dataTable', fileName: 'a.csv', dataTableId: 'x' }, /^notebook\.inputs\.0\.dataTableId/],
    [{ inputType: 'eventData', fileName: 'a.csv', start: 0 }, /^notebook\.inputs\.0\.start is not a known property/],
    [{ inputType: 'externalUrl', fileName: 'a/b', sourceUrl: 'x' }, /^notebook\.inputs\.0\.fileName/],
    [{ inputType: 'applicationFile', fileName: 'context.json', filePath: 'x' }, /taken by the execution's context/],
    [{ inputType: 'somethingElse', fileName: 'a.csv' }, /^notebook\.inputs\.0\.inputType/],
  ]
  for (const [input, reason] of cases) {
    const notebook = { name: 'refused', inputs: [input] }
    const refused = await refusal(losant.call('notebooks.post', { applicationId, notebook }))
    assert.equal(refused.statusCode, 400)
    assert.match(refused.message, reason)
  }
})
