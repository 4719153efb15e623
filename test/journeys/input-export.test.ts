/** The inputs of a notebook as a zip, asked for through the official client: the same bytes as INPUT_DIR, told of by mail and callback. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { type Client, signIn } from '../../client/client.ts'
import type { Device } from '../../contract/devices.ts'
import { getJobLog, type JobLog } from '../../contract/job-logs.ts'
import type { NotebookInput } from '../../contract/notebook-files.ts'
import { makeFolder } from '../support/make.ts'
import { type Official, refusal, signInOfficially } from '../support/official.ts'
import { startReceiver } from '../support/receiver.ts'
import { EMAIL, makeDataDir, PASSWORD, startService } from '../support/service.ts'
import { startSmtp } from '../support/smtp.ts'
import { makeApplication, makeNotebook, open, runToEnd } from '../support/steps.ts'
import { until } from '../support/until.ts'
import { readZip } from '../support/zip.ts'

const T0 = Date.parse('2026-03-01T12:00:00Z')

/** Names and SHA-256 sums of the files of a zip. */
async function sumsOfZip(t: TestContext, bytes: Buffer): Promise<Record<string, string>> {
  const file = join(await makeFolder(t), 'inputs.zip')
  await writeFile(file, bytes)
  const sum = (content: Buffer) => createHash('sha256').update(content).digest('hex')
  return Object.fromEntries(Object.entries(await readZip(file)).map(([name, content]) => [name, sum(content)]))
}

const SUMS = `import hashlib, json, os
I = os.environ["INPUT_DIR"]
print(json.dumps({n: hashlib.sha256(open(os.path.join(I, n), "rb").read()).hexdigest() for n in sorted(os.listdir(I))}))`

async function makePlant(losant: Official) {
  const { id: applicationId } = await makeApplication(losant)
  const device = {
    name: 'Größe, "1"',
    attributes: [{ name: 'temp', dataType: 'number' }],
    tags: [{ key: 'a', value: 'b' }],
  }
  const { id } = await losant.call<Device>('devices.post', { applicationId, device })
  const deviceState = Array.from({ length: 500 }, (_, index) => ({
    time: T0 - 1000 + index,
    data: { temp: index / 3 },
  }))
  await losant.call('device.sendState', { applicationId, deviceId: id, deviceState })
  return applicationId
}

const INPUTS: NotebookInput[] = [
  { inputType: 'deviceData', fileName: '{{ctx.name}}.csv', start: -900, end: -100, queryJson: '{}' },
  { inputType: 'deviceMetadata', fileName: 'devices.json', format: 'json', deviceTags: [{ key: 'a' }] },
  { inputType: 'deviceConnectionHistory', fileName: 'connections.csv', start: -1000, end: 0, queryJson: '{}' },
]

async function ended(client: Client, applicationId: string, jobId: string): Promise<JobLog> {
  let log: JobLog | undefined
  await until(async () => {
    log = await client.call(getJobLog, { params: { applicationId, jobId } })
    return log.runCompletedAt !== undefined
  })
  assert.ok(log)
  return log
}

test('the zip is what INPUT_DIR holds, byte for byte; log, mail and callback have its link', async (t) => {
  const { url: smtp, mails } = await startSmtp(t)
  const receiver = await startReceiver(t)
  await using service = await startService({
    env: { FIELDBOOK_ALLOW_PRIVATE_ADDRESSES: 'true', FIELDBOOK_SMTP_URL: smtp },
  })
  const losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  const client = await signIn(service.url, EMAIL, PASSWORD)
  const applicationId = await makePlant(losant)
  const notebook = await makeNotebook(losant, applicationId, { name: 'Report', inputs: INPUTS }, SUMS)
  const asked = { relativeTo: T0, templateContext: '{"name":  "data", "\\u00fc": [1.0]}' }

  const log = await runToEnd(losant, notebook, asked)
  assert.deepEqual(log.executionErrors, [])
  const inputDir = JSON.parse(await open(log.outputInfo, 'result.log'))
  assert.deepEqual(Object.keys(inputDir), ['connections.csv', 'context.json', 'data.csv', 'devices.json'])

  const exportOptions = { ...asked, email: 'someone@example.com', callbackUrl: receiver.url }
  const params = { applicationId, notebookId: notebook.id }
  const answer = await losant.call<{ jobId: string }>('notebook.requestInputDataExport', { ...params, exportOptions })
  assert.deepEqual(Object.keys(answer), ['success', 'jobQueued', 'jobId'])

  const job = await ended(client, applicationId, answer.jobId)
  assert.equal(job.status, 'completed')
  assert.deepEqual(
    [job.resourceType, job.resourceId, job.name],
    ['notebook', notebook.id, 'Inputs of the notebook Report'],
  )
  assert.deepEqual(job.input, {
    templateContext: asked.templateContext,
    callbackUrl: receiver.url,
    emails: ['someone@example.com'],
    relativeTo: new Date(T0).toISOString(),
  })
  const [downloadUrl = ''] = job.output['downloadUrls'] as string[] // as jobs write it
  const zip = await fetch(downloadUrl)
  assert.equal(zip.headers.get('content-type'), 'application/zip')
  assert.deepEqual(await sumsOfZip(t, Buffer.from(await zip.arrayBuffer())), inputDir)

  await until(() => receiver.told.length > 0 && mails.length > 0)
  const [told] = receiver.told
  assert.equal(told?.['success'], true)
  assert.equal(told['notebookId'], notebook.id)
  assert.equal(told['applicationId'], applicationId)
  assert.equal(told['jobId'], answer.jobId)
  assert.equal((await fetch(String(told['downloadUrl']))).status, 200)
  assert.deepEqual(mails[0]?.to, ['someone@example.com'])
  assert.match(mails[0].source, /Inputs of the notebook Report/)
})

test('once in a quarter of an hour, also after a restart; one that failed does not count', async (t) => {
  await using data = await makeDataDir()
  const options = { dataDir: data.path, env: { FIELDBOOK_ALLOW_PRIVATE_ADDRESSES: 'true' } }
  const receiver = await startReceiver(t)
  let params: { applicationId: string; notebookId: string }
  {
    await using service = await startService(options)
    const losant = await signInOfficially(service.url, EMAIL, PASSWORD)
    const client = await signIn(service.url, EMAIL, PASSWORD)
    const applicationId = await makePlant(losant)
    const { id: notebookId } = await makeNotebook(losant, applicationId, {
      inputs: [{ inputType: 'deviceMetadata', fileName: 'bad.csv', queryJson: '{"name": ' }],
    })
    params = { applicationId, notebookId }
    const exportOptions = { callbackUrl: receiver.url }
    const failing = await losant.call<{ jobId: string }>('notebook.requestInputDataExport', {
      ...params,
      exportOptions,
    })
    const failed = await ended(client, applicationId, failing.jobId)
    assert.equal(failed.status, 'errored')
    assert.match(failed.error?.message ?? '', /^Input "bad\.csv" \(deviceMetadata\): queryJson must be JSON/)
    await until(() => receiver.told.length > 0)
    assert.equal(receiver.told[0]?.['success'], false)

    await losant.call('notebook.patch', { ...params, notebook: { inputs: INPUTS.slice(1) } })
    await losant.call('notebook.requestInputDataExport', { ...params, exportOptions: {} })
    const refused = await refusal(losant.call('notebook.requestInputDataExport', { ...params, exportOptions: {} }))
    assert.equal(refused.statusCode, 429)
    assert.equal(refused.type, 'LimitExceeded')
    assert.match(refused.message, /once in 15 minutes/)
  }
  await using service = await startService(options)
  const losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  const { token } = await losant.call<{ token: string }>('auth.authenticateUser', {
    credentials: { email: EMAIL, password: PASSWORD },
  })
  const path = `/applications/${params.applicationId}/notebooks/${params.notebookId}/requestInputDataExport`
  const answer = await fetch(service.url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: '{}',
  })
  assert.equal(answer.status, 429)
  const seconds = Number(answer.headers.get('retry-after'))
  assert.ok(seconds > 0 && seconds <= 900, String(seconds))
})

test('what can not be is refused at once', async () => {
  await using service = await startService({ env: { FIELDBOOK_INPUT_EXPORT_INTERVAL: '0s' } })
  const losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  const { id: applicationId } = await makeApplication(losant)
  const { id: notebookId } = await makeNotebook(losant, applicationId, {})
  const cases: [options: object, reason: RegExp][] = [
    [{ relativeTo: 'yesterday' }, /^exportOptions\.relativeTo must be a time/],
    [{ relativeTo: null }, /^exportOptions\.relativeTo/],
    [{ templateContext: '{' }, /^exportOptions\.templateContext must be JSON text/],
    [{ templateContext: {} }, /^exportOptions\.templateContext/],
    [{ email: 'nobody' }, /^exportOptions\.email/],
    [{ callbackUrl: 'nowhere' }, /^exportOptions\.callbackUrl/],
    [{ parameters: {} }, /^exportOptions\.parameters is not a known property/],
  ]
  for (const [exportOptions, reason] of cases) {
    const call = losant.call('notebook.requestInputDataExport', { applicationId, notebookId, exportOptions })
    const refused = await refusal(call)
    assert.equal(refused.statusCode, 400)
    assert.match(refused.message, reason)
  }
  const foreign = { applicationId: (await makeApplication(losant)).id, notebookId, exportOptions: {} }
  const refused = await refusal(losant.call('notebook.requestInputDataExport', foreign))
  assert.equal(refused.statusCode, 404)
  // With an interval of nothing it may be asked for as often as one likes.
  for (let time = 0; time < 3; time += 1) {
    await losant.call('notebook.requestInputDataExport', { applicationId, notebookId, exportOptions: {} })
  }
})
