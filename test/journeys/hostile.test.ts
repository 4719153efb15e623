/** Notebooks and requests that mean harm, or are merely unlucky: each ends as it should and nothing else is touched. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { signIn } from '../../client/client.ts'
import { getState } from '../../contract/states.ts'
import { type Official, refusal, signInOfficially } from '../support/official.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { ipynb, makeApplication, makeNotebook, open, runToEnd } from '../support/steps.ts'

let service: RunningService
let losant: Official
let applicationId: string

before(async () => {
  service = await startService({ env: { FIELDBOOK_OUTPUT_SIZE: '50MB' } })
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  applicationId = (await makeApplication(losant)).id
})
after(() => service[Symbol.asyncDispose]())

test('an output name leads out of its folder neither by its template nor by a link', async () => {
  const notebook = await makeNotebook(
    losant,
    applicationId,
    {
      outputs: [
        { outputType: 'temporaryUrl', fileName: '{{ctx.far}}' },
        { outputType: 'file', fileName: '{{ctx.through}}', destinationFileNameTemplate: 'mine' },
        { outputType: 'dataTable', fileName: '{{ctx.up}}', dataTableId: '0123456789abcdef01234567' },
      ],
    },
    'import os\nos.symlink("/etc", os.environ["OUTPUT_DIR"] + "/link")',
  )
  const context = { far: `${'../'.repeat(12)}etc/passwd`, through: 'link/passwd', up: '..' }
  const log = await runToEnd(losant, notebook, { templateContext: JSON.stringify(context) })
  assert.equal(log.status, 'errored')
  assert.equal(log.executionErrors.length, 3)
  for (const { message } of log.executionErrors) assert.match(message, /its file name renders to ".*"; allowed are/)
  assert.deepEqual(Object.keys(log.outputInfo).sort(), ['result.error.log', 'result.ipynb', 'result.log'])
})

test('text that no database holds ends the run like any other error, after one attempt', async () => {
  const notebook = await makeNotebook(
    losant,
    applicationId,
    { outputs: [{ outputType: 'temporaryUrl', fileName: 'ran' }] },
    'raise ValueError("a\\0b")',
  )
  const log = await runToEnd(losant, notebook)
  assert.equal(log.status, 'errored')
  assert.match(log.executionErrors[0]?.message ?? '', /raised ValueError: a\uFFFDb$/)
  assert.ok(log.runStartedAt && Date.parse(log.runStartedAt) - Date.parse(log.runQueuedAt) < 10_000)
  assert.match(await open(log.outputInfo, 'result.ipynb'), /ValueError/)
})

test('a kernel that lies about the time is believed nothing else for it', async () => {
  const notebook = await makeNotebook(
    losant,
    applicationId,
    {},
    'k = get_ipython().kernel\nmake = k.session.msg_header\nk.session.msg_header = lambda t: {**make(t), "date": "nonsense"}\nprint("told")',
    'print("and on")',
  )
  const log = await runToEnd(losant, notebook)
  assert.equal(log.status, 'completed', JSON.stringify(log.executionErrors))
  assert.equal(await open(log.outputInfo, 'result.log'), 'told\nand on\n')
})

test('a long line that is rewritten again and again keeps nobody waiting', async () => {
  const notebook = await makeNotebook(
    losant,
    applicationId,
    {},
    'import sys\nsys.stdout.write("x" * 2_000_000)\nfor n in range(500): sys.stdout.write("\\ry"); sys.stdout.flush()',
  )
  const log = await runToEnd(losant, notebook)
  assert.equal(log.status, 'completed', JSON.stringify(log.executionErrors))
})

test('outputs that look larger than they are count as what they would take', async () => {
  const notebook = await makeNotebook(
    losant,
    applicationId,
    { outputs: ['a', 'b'].map((fileName) => ({ outputType: 'temporaryUrl' as const, fileName })) },
    'import os\nfor n in "ab": os.truncate(os.open(os.environ["OUTPUT_DIR"] + "/" + n, os.O_CREAT | os.O_RDWR), 30_000_000)',
  )
  const log = await runToEnd(losant, notebook)
  assert.equal(log.status, 'errored')
  assert.match(log.executionErrors[0]?.message ?? '', /^Output "b" .* more than 50000000 bytes/)
  assert.equal(log.outputInfo['a']?.size, 30_000_000)
})

test('a tree deeper than a path may be long is cleared away', async () => {
  const notebook = await makeNotebook(
    losant,
    applicationId,
    {},
    'import os\nos.chdir(os.environ["OUTPUT_DIR"])\nfor n in range(200):\n    os.mkdir("d" * 200)\n    os.chdir("d" * 200)\nos.chmod(".", 0)',
  )
  const log = await runToEnd(losant, notebook)
  assert.equal(log.status, 'completed', JSON.stringify(log.executionErrors))
  assert.doesNotMatch(service.output(), /our fault/)
})

test('values that can not be stored are refused by name', async () => {
  const cases: [Promise<unknown>, RegExp][] = [
    [
      losant.call('applications.post', { application: { name: 'a\0b' } }),
      /^application\.name must be text without NUL/,
    ],
    [
      losant.call('devices.post', { applicationId, device: { name: 'd', tags: [{ key: 'k', value: '\ud83d' }] } }),
      /^device\.tags\.0\.value must be text without NUL/,
    ],
    [losant.call('notebooks.get', { applicationId, filter: '\0' }), /^filter must be text without NUL/],
  ]
  for (const [call, message] of cases) {
    const refused = await refusal(call)
    assert.deepEqual([refused.statusCode, refused.type], [400, 'Validation'])
    assert.match(refused.message, message)
  }
  const { id: deviceId } = await losant.call<{ id: string }>('devices.post', { applicationId, device: { name: 'd' } })
  const ours = await signIn(service.url, EMAIL, PASSWORD)
  for (const duration of ['1.5', '1e300', 'Infinity', '-1']) {
    // The official client of this version does not know the parameter.
    const asked = ours.call(getState, { params: { applicationId, deviceId }, query: { duration } })
    await assert.rejects(asked, { status: 400, message: /^duration must be a whole number/ })
  }
  const notebook = await makeNotebook(losant, applicationId, {}, '1')
  const old = await refusal(
    losant.call('notebook.execute', {
      applicationId,
      notebookId: notebook.id,
      executionOptions: { relativeTo: '-271821-04-20T00:00:00Z' },
    }),
  )
  assert.match(old.message, /^executionOptions\.relativeTo must be a time/)
})

test('a multipart body that is broken off is refused, and the previous file stays', async () => {
  const notebook = await makeNotebook(losant, applicationId, {}, 'print(1)')
  const { token } = await signIn(service.url, EMAIL, PASSWORD)
  const part = `--x\r\ncontent-disposition: form-data; name="jupyterFile"; filename="a.ipynb"\r\n\r\n${ipynb('2')}`
  for (const [type, body] of [
    ['multipart/form-data', part],
    ['multipart/form-data; boundary=x', part],
    ['multipart/form-data; boundary=x', '--x\r\ncontent-dispo'],
  ]) {
    const response = await fetch(`${service.url}/applications/${applicationId}/notebooks/${notebook.id}/upload`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': type ?? '' },
      body: body ?? '',
    })
    const answer: { type: string } = JSON.parse(await response.text())
    assert.deepEqual([response.status, answer.type], [400, 'Validation'])
  }
  const log = await runToEnd(losant, notebook)
  assert.equal(await open(log.outputInfo, 'result.log'), '1\n')
})
