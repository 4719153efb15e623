/** What the daily pass would delete is told beforehand, to the user of the installation and to nobody else. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createClient, signIn } from '../../client/client.ts'
import { getRetention } from '../../contract/retention.ts'
import { signInOfficially } from '../support/official.ts'
import { EMAIL, makeDataDir, PASSWORD, startService } from '../support/service.ts'
import { makeApplication, makeNotebook, open, runToEnd } from '../support/steps.ts'

const WRITE = 'import os\nwith open(os.path.join(os.environ["OUTPUT_DIR"], "a.csv"), "w") as f: f.write("x" * 1000)'

test('the dry run says what would go, and deletes nothing', async () => {
  await using data = await makeDataDir()
  const env = { FIELDBOOK_URL_TTL: '7d', FIELDBOOK_LOG_AGE: '90d' }
  {
    await using service = await startService({ dataDir: data.path, env })
    const losant = await signInOfficially(service.url, EMAIL, PASSWORD)
    const client = await signIn(service.url, EMAIL, PASSWORD)
    const outputs = [{ outputType: 'temporaryUrl' as const, fileName: 'a.csv' }]
    const notebook = await makeNotebook(losant, (await makeApplication(losant)).id, { outputs }, WRITE)
    const log = await runToEnd(losant, notebook)
    const told = await client.call(getRetention)
    assert.deepEqual([told.complete, told.linksSeconds, told.executionsSeconds], [true, 604_800, 7_776_000])
    assert.deepEqual(
      told.chores.filter(({ count, problem }) => count !== 0 || problem !== undefined),
      [],
    )
    assert.equal((await open(log.outputInfo, 'a.csv')).length, 1000)
    await assert.rejects(createClient(service.url).call(getRetention), { status: 403 })
  }
  // The same installation with other settings, and without a worker, which might do it: what was kept would go now.
  await using service = await startService({
    dataDir: data.path,
    env: { ...env, FIELDBOOK_LOG_AGE: '0s', FIELDBOOK_ROLE: 'api' },
  })
  const client = await signIn(service.url, EMAIL, PASSWORD)
  for (let look = 0; look < 2; look++) {
    const { chores } = await client.call(getRetention)
    const executions = chores.find(({ name }) => name === 'executions')
    assert.equal(executions?.count, 1)
    assert.ok((executions?.bytes ?? 0) > 1000, `${executions?.bytes}`)
  }
})
