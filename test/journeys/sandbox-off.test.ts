/** The operator's explicit wish to run without a sandbox: it works, and it is said out loud. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signInOfficially } from '../support/official.ts'
import { EMAIL, PASSWORD, startService } from '../support/service.ts'
import { makeApplication, makeNotebook, open, runToEnd } from '../support/steps.ts'

test('with the sandbox off a notebook runs bare, and health tells so', async () => {
  await using service = await startService({ env: { FIELDBOOK_SANDBOX: 'off' } })
  const health: { sandbox: { level: number; name: string } } = JSON.parse(
    await (await fetch(`${service.url}/healthz`)).text(),
  )
  assert.equal(health.sandbox.level, 0)
  assert.match(health.sandbox.name, /^none/)
  const losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  const { id: applicationId } = await makeApplication(losant)
  const notebook = await makeNotebook(
    losant,
    applicationId,
    {
      inputs: [{ inputType: 'deviceData', fileName: '{{ctx.pump}}-{{globals.none}}.csv', start: -1, end: 0 }],
      outputs: [{ outputType: 'executionResult', fileName: 'result.html' }],
    },
    'import os\nprint(sorted(os.listdir(os.environ["INPUT_DIR"])))',
  )
  const log = await runToEnd(losant, notebook, { templateContext: '{"pump": "p1"}' })
  assert.deepEqual(log.executionErrors, [])
  assert.equal(await open(log.outputInfo, 'result.log'), "['context.json', 'p1-.csv']\n")
  assert.match(await open(log.outputInfo, 'result.html'), /p1-\.csv/)
})
