/** A service that is killed among requests with an Idempotency-Key: asked again, each of them was done once. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { signIn } from '../../client/client.ts'
import type { ExecutionLog } from '../../contract/executions.ts'
import { type Official, signInOfficially } from '../support/official.ts'
import { EMAIL, makeDataDir, PASSWORD, startService } from '../support/service.ts'
import { makeApplication, makeNotebook } from '../support/steps.ts'
import { until } from '../support/until.ts'

interface Answer {
  readonly status: number
  readonly isReplay: boolean
  readonly executionId: string
  readonly retryAfter: string | null
}

/** Asks the service at `url` to execute a notebook. */
async function executing(url: string, notebook: { applicationId: string; id: string }) {
  const { token } = await signIn(url, EMAIL, PASSWORD)
  return async (key: string, query = ''): Promise<Answer> => {
    const path = `/applications/${notebook.applicationId}/notebooks/${notebook.id}/execute${query}`
    const answer = await fetch(url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': key },
      body: '{}',
    })
    const { executionId = '' } = (await answer.json()) as { executionId?: string }
    const { status, headers } = answer
    return {
      status,
      executionId,
      isReplay: headers.get('idempotency-replayed') === 'true',
      retryAfter: headers.get('retry-after'),
    }
  }
}

/** As a client does: while the first is taken to be under way, it waits as long as it is told. */
async function untilAnswered(ask: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    const answer = await ask()
    if (answer.status !== 409) return answer
    assert.ok(answer.retryAfter, 'a refusal that passes says when to come again')
    await pause(Number(answer.retryAfter) * 1000)
  }
}

const idsOf = async (losant: Official, { applicationId, id }: { applicationId: string; id: string }) =>
  (await losant.call<ExecutionLog[]>('notebook.logs', { applicationId, notebookId: id, limit: 1000 })).map(
    (log) => log.id,
  )

test('executions that were asked for when the service was killed are there once each', async () => {
  await using data = await makeDataDir()
  const service = await startService({ dataDir: data.path })
  const losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  const { id: applicationId } = await makeApplication(losant)
  const quick = await makeNotebook(losant, applicationId, {}, '1')
  const slow = await makeNotebook(losant, applicationId, {}, 'import time\ntime.sleep(60)')
  const keys = Array.from({ length: 60 }, (_, n) => `night-${n}`)

  // One that waits for the end of its execution, and many in the middle of whatever they are in.
  const waiting = (await executing(service.url, slow))('waits', '?wait=60').catch(() => undefined)
  await until(async () => (await idsOf(losant, slow)).length === 1)
  const [slowId] = await idsOf(losant, slow)
  const ask = await executing(service.url, quick)
  const first = new Map<string, string>()
  const burst = keys.map(async (key) => {
    const { status, executionId } = await ask(key)
    assert.equal(status, 200)
    first.set(key, executionId)
    if (first.size === 15) await service.crash()
  })
  await Promise.allSettled([...burst, waiting])
  assert.ok(first.size >= 15 && first.size < keys.length, `${first.size} were answered before the end`)

  await using again = await startService({ dataDir: data.path })
  const later = await executing(again.url, quick)
  const answers = await Promise.all(keys.map((key) => untilAnswered(() => later(key))))
  for (const [index, { status, executionId, isReplay }] of answers.entries()) {
    const known = first.get(keys[index] ?? '')
    assert.equal(status, 200)
    if (known) assert.deepEqual([executionId, isReplay], [known, true])
  }
  const losantLater = await signInOfficially(again.url, EMAIL, PASSWORD)
  const queued = await idsOf(losantLater, quick)
  assert.deepEqual(queued.toSorted(), answers.map(({ executionId }) => executionId).toSorted())
  assert.equal(new Set(queued).size, keys.length)

  const waited = await executing(again.url, slow)
  const replayed = await untilAnswered(() => waited('waits', '?wait=60'))
  assert.deepEqual([replayed.status, replayed.executionId, replayed.isReplay], [200, slowId, true])
  assert.equal((await idsOf(losantLater, slow)).length, 1)
})
