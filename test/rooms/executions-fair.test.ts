/** The queue is fair across applications: one that queues much does not keep the others waiting. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { claimExecution } from '../../server/executions/claim.ts'
import { makeExecution, makeNotebook } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

test('the application with the fewest running goes first, each in its own order of arrival', async (t) => {
  const db = await openTestDatabase(t)
  const greedy = await makeNotebook(db)
  const modest = await makeNotebook(db)
  assert.notEqual(greedy.applicationId, modest.applicationId)
  const many: string[] = []
  for (let index = 0; index < 5; index++) many.push(await makeExecution(db, greedy))
  const few = [await makeExecution(db, modest), await makeExecution(db, modest)]

  const claimed: (string | undefined)[] = []
  for (let index = 0; index < 7; index++) claimed.push((await claimExecution(db, 'a worker', 60_000))?.id)
  assert.deepEqual(claimed, [many[0], few[0], many[1], few[1], many[2], many[3], many[4]])
})
