/** Running an execution again over real stores: what is kept of it when it cannot be queued. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { requestRerun } from '../../server/executions/rerun.ts'
import { getExecution, listExecutions } from '../../server/executions/store.ts'
import { unavailable } from '../../server/ground/errors.ts'
import { openFsBlobs } from '../../server/stores/blobs/fs.ts'
import type { Database } from '../../server/stores/postgres/database.ts'
import { makeCells, makeExecution, makeFolder, testLimits } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

const REQUESTER = { sourceType: 'user', sourceId: 'them' } as const

test('inputs of a rerun stay when the answer to its commit is lost, and go when it is refused', async (t) => {
  const db = await openTestDatabase(t)
  const blobs = await openFsBlobs(await makeFolder(t))
  const notebook = await makeCells({ db, blobs }, ['1'])
  const firstId = await makeExecution(db, notebook)
  await blobs.put('inputs/0', Buffer.from('123'))
  const inputs = { 'in.csv': { key: 'inputs/0', size: 3, contentType: 'text/csv' } }
  await db.query(
    `update executions set status = 'completed', outputs_completed_at = now(), input_info = $2 where id = $1`,
    [firstId, JSON.stringify(inputs)],
  )
  const first = await getExecution(db, notebook.id, firstId)
  const again = (over: Database, limits = testLimits) =>
    requestRerun({ db: over, blobs }, first, REQUESTER, limits, new Date())
  const kept = async () => (await Array.fromAsync(blobs.list('executions'))).length

  const cut = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
  const lossy: Database = {
    ...db,
    transaction: async (work, options) => {
      await db.transaction(work, options)
      throw unavailable('The database cannot be reached at the moment; try again', cut)
    },
  }
  await assert.rejects(again(lossy), { kind: 'unavailable' })
  const [queued] = (await listExecutions(db, notebook.id, 10, undefined)).filter(({ id }) => id !== firstId)
  assert.ok(queued)
  const { givenInputs = {} } = await getExecution(db, notebook.id, queued.id)
  const [given] = Object.values(givenInputs)
  assert.ok(given && (await blobs.stat(given.key)))

  assert.equal(await kept(), 1)
  await assert.rejects(again(db, { ...testLimits, queuedExecutions: 1 }), { kind: 'limited' })
  assert.equal(await kept(), 1)
})
