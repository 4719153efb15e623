/** An application deleted where nobody removes it, then by a service that starts later: nothing of it is left. */

import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { refusal, signInOfficially } from '../support/official.ts'
import { EMAIL, makeDataDir, PASSWORD, startService } from '../support/service.ts'
import { makeApplication, makeNotebook } from '../support/steps.ts'

const REMOVAL_MS = 60_000

/** The files among the blobs. */
const blobsOf = async (dataDir: string) =>
  (await readdir(join(dataDir, 'blobs'), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())

test('a deletion outlives a crash, and the next service removes what is left', async () => {
  await using data = await makeDataDir()
  const door = await startService({ dataDir: data.path, env: { FIELDBOOK_ROLE: 'api' } })
  const losant = await signInOfficially(door.url, EMAIL, PASSWORD)
  const { id: applicationId } = await makeApplication(losant)
  await makeNotebook(losant, applicationId, {}, 'print(1)')
  assert.equal((await blobsOf(data.path)).length, 1)
  await losant.call('application.delete', { applicationId })
  await door.crash()
  assert.equal((await blobsOf(data.path)).length, 1)

  await using service = await startService({ dataDir: data.path })
  const again = await signInOfficially(service.url, EMAIL, PASSWORD)
  assert.equal((await refusal(again.call('application.get', { applicationId }))).statusCode, 404)
  const deadline = Date.now() + REMOVAL_MS
  while ((await blobsOf(data.path)).length > 0) {
    assert.ok(Date.now() < deadline, 'the bytes of the application are still there')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
})
