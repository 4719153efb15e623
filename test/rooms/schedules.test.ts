/** Schedules over the real database and a clock of the test's own: each planned time once, as its policies say. */

import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import type { SchedulePost } from '../../contract/schedules.ts'
import { setJupyterFile } from '../../server/catalog/notebooks.ts'
import { claimExecution } from '../../server/executions/claim.ts'
import { deleteApplication } from '../../server/executions/remove-application.ts'
import { fireDue } from '../../server/executions/schedules/fire.ts'
import { openScheduling } from '../../server/executions/schedules/scheduling.ts'
import {
  createSchedule,
  deleteSchedule,
  getSchedule,
  patchSchedule,
  toSchedule,
} from '../../server/executions/schedules/store.ts'
import { cancelExecution, listExecutions, recordEnd } from '../../server/executions/store.ts'
import { createLog } from '../../server/ground/log.ts'
import { openFsBlobs } from '../../server/stores/blobs/fs.ts'
import type { Database } from '../../server/stores/postgres/database.ts'
import { makeCells, makeFolder, makeNotebook, testLimits, UNSEEN } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const QUIET = createLog('silent')
const NEVER = new AbortController().signal
const at = (time: string) => new Date(`2026-05-${time}Z`)
const NOON = at('01T12:00:00')

async function open(t: TestContext) {
  const db = await openTestDatabase(t)
  const blobs = await openFsBlobs(await makeFolder(t))
  const parts = { db, log: QUIET, limits: testLimits }
  /** A notebook with a schedule that was made at noon of the first of May. */
  const make = async (post: SchedulePost) => {
    const notebook = await makeCells({ db, blobs }, ['1'])
    return { notebook, schedule: await createSchedule(db, notebook, post, NOON) }
  }
  const fire = (now: Date) => fireDue(parts, now, NEVER)
  return { db, blobs, parts, make, fire }
}

/** The planned times that were queued, oldest first. */
async function plannedOf(db: Database, notebookId: string): Promise<string[]> {
  const executions = await listExecutions(db, notebookId, 1000, undefined)
  return executions.map(({ schedule }) => schedule?.plannedFor.toISOString() ?? 'unplanned').toSorted()
}

const shown = async (db: Database, { id, notebook_id }: { id: string; notebook_id: string }) =>
  toSchedule(await getSchedule(db, notebook_id, id))

test('a planned time is queued with itself as the query time, and told of on both sides', async (t) => {
  const { db, make, fire } = await open(t)
  const { notebook, schedule } = await make({
    cron: '30 6 * * *',
    timeZone: 'Europe/Berlin',
    templateContext: '{"a":1}',
  })
  assert.deepEqual(
    toSchedule(schedule).nextRuns,
    ['02', '03', '04', '05', '06'].map((day) => `2026-05-${day}T04:30:00.000Z`),
  )
  assert.deepEqual(await fire(at('02T04:29:59.999')), [])
  assert.deepEqual(await plannedOf(db, notebook.id), [])
  const seenAt = at('02T04:30:00.012')
  await fire(seenAt)
  await fire(seenAt)
  const [execution, ...others] = await listExecutions(db, notebook.id, 10, undefined)
  assert.ok(execution && others.length === 0)
  assert.equal(execution.relativeTo.toISOString(), '2026-05-02T04:30:00.000Z')
  assert.deepEqual(execution.schedule, { id: schedule.id, plannedFor: at('02T04:30:00') })
  assert.deepEqual(
    [execution.sourceType, execution.sourceId, execution.templateContext],
    ['flow', schedule.id, '{"a":1}'],
  )
  const { nextRuns, lastRun } = await shown(db, schedule)
  assert.equal(nextRuns[0], '2026-05-03T04:30:00.000Z')
  assert.deepEqual(lastRun, {
    plannedFor: '2026-05-02T04:30:00.000Z',
    queuedAt: seenAt.toISOString(),
    executionId: execution.id,
  })
})

test('whom a schedule tells, its executions tell, with links to where that was said', async (t) => {
  const { db, make, fire } = await open(t)
  const callbackUrl = 'https://example.com/hook'
  const { notebook, schedule } = await make({
    cron: '0 * * * *',
    email: 'ann@example.com',
    callbackUrl,
    overlap: 'queue',
  })
  const patch = (body: object) => patchSchedule(db, notebook.id, schedule.id, body, NOON, 'http://here')
  await fire(at('01T13:00:00'))
  const { email } = toSchedule(await patch({ name: 'n' }))
  await fire(at('01T14:00:00'))
  assert.equal(toSchedule(await patch({ email: '' })).email, undefined)
  await fire(at('01T15:00:00'))
  const rows = await db.query<{ tells: object }>('select tells from executions order by planned_for')
  assert.deepEqual(
    rows.map(({ tells }) => tells),
    [
      { email, callbackUrl },
      { email, callbackUrl, baseUrl: 'http://here' },
      { callbackUrl, baseUrl: 'http://here' },
    ],
  )
})

test('however many look at once, each planned time is queued once', async (t) => {
  const { db, make, fire } = await open(t)
  const made = await Promise.all(
    Array.from({ length: 12 }, () => make({ cron: '*/5 * * * *', catchUp: 'all', catchUpLimit: 3 })),
  )
  const faulty = await Promise.all(Array.from({ length: 8 }, () => fire(at('01T12:16:00'))))
  assert.deepEqual(faulty.flat(), [], 'and nobody runs into anybody')
  for (const { notebook } of made) {
    assert.deepEqual(
      await plannedOf(db, notebook.id),
      ['05', '10', '15'].map((minute) => `2026-05-01T12:${minute}:00.000Z`),
    )
  }
})

test('what can not be queued is told of on the schedule, which goes on', async (t) => {
  const { db, blobs, fire } = await open(t)
  const notebook = await makeNotebook(db)
  const schedule = await createSchedule(db, notebook, { cron: '0 * * * *' }, NOON)
  await fire(at('01T13:00:00'))
  const { lastError, lastRun, nextRuns } = await shown(db, schedule)
  assert.deepEqual(lastError, {
    plannedFor: '2026-05-01T13:00:00.000Z',
    seenAt: '2026-05-01T13:00:00.000Z',
    type: 'Validation',
    message: 'The notebook has no Jupyter file yet; upload an .ipynb before executing it',
  })
  assert.deepEqual([lastRun, nextRuns[0]], [undefined, '2026-05-01T14:00:00.000Z'])
  const file = { name: 'a.ipynb', content: Buffer.from('{}') }
  await setJupyterFile(db, blobs, notebook.applicationId, notebook.id, file)
  await fire(at('01T14:00:00'))
  assert.deepEqual(await plannedOf(db, notebook.id), ['2026-05-01T14:00:00.000Z'])
  assert.deepEqual((await shown(db, schedule)).lastError, lastError)
})

test('a limit that is reached is told of on the schedule', async (t) => {
  const { db, parts, make } = await open(t)
  const { notebook, schedule } = await make({ cron: '0 * * * *', overlap: 'queue' })
  const limits = { ...testLimits, queuedExecutions: 1 }
  for (const hour of ['13', '14']) await fireDue({ ...parts, limits }, at(`01T${hour}:00:00`), NEVER)
  assert.deepEqual(await plannedOf(db, notebook.id), ['2026-05-01T13:00:00.000Z'])
  const { lastError, nextRuns } = await shown(db, schedule)
  assert.deepEqual([lastError?.type, lastError?.plannedFor], ['LimitExceeded', '2026-05-01T14:00:00.000Z'])
  assert.match(lastError?.message ?? '', /at most 1 may/)
  assert.equal(nextRuns[0], '2026-05-01T15:00:00.000Z')
})

test('a fault with one schedule keeps no other from its time, and leaves the one as it was', async (t) => {
  const { db, make, fire } = await open(t)
  const [broken, sound] = [await make({ cron: '0 * * * *' }), await make({ cron: '0 * * * *' })]
  await db.query(`update schedules set time_zone = 'Nowhere/Land' where id = $1`, [broken.schedule.id])
  assert.deepEqual(await fire(at('01T13:00:00')), [broken.schedule.id])
  assert.equal((await plannedOf(db, sound.notebook.id)).length, 1)
  const row = await getSchedule(db, broken.notebook.id, broken.schedule.id)
  assert.deepEqual(row.next_run_at, at('01T13:00:00'))
  assert.match(row.last_error?.message ?? '', /went wrong on our side and is tried again; its reference is \w{24}$/)
  await db.query(`update schedules set time_zone = 'UTC' where id = $1`, [broken.schedule.id])
  assert.deepEqual(await fire(at('01T13:00:30')), [])
  assert.deepEqual(await plannedOf(db, broken.notebook.id), ['2026-05-01T13:00:00.000Z'])
})

test('with overlap skip a planned time is passed over while the execution before it has not ended', async (t) => {
  const { db, make, fire } = await open(t)
  const { notebook, schedule } = await make({ cron: '0 * * * *' })
  for (const hour of ['13', '14', '15']) await fire(at(`01T${hour}:00:00`))
  assert.deepEqual(await plannedOf(db, notebook.id), ['2026-05-01T13:00:00.000Z'])
  assert.deepEqual((await shown(db, schedule)).lastSkipped, {
    plannedFor: '2026-05-01T15:00:00.000Z',
    seenAt: '2026-05-01T15:00:00.000Z',
    reason: 'the execution before it had not ended',
  })
  const [execution] = await listExecutions(db, notebook.id, 1, undefined)
  await cancelExecution(db, notebook.id, execution?.id ?? '')
  await fire(at('01T16:00:00'))
  assert.deepEqual(await plannedOf(db, notebook.id), ['2026-05-01T13:00:00.000Z', '2026-05-01T16:00:00.000Z'])
})

test('with overlap queue executions of a schedule run one after another, however many claim', async (t) => {
  const { db, make, fire } = await open(t)
  const { notebook } = await make({ cron: '0 * * * *', overlap: 'queue' })
  const other = await make({ cron: '30 15 * * *' })
  for (const time of ['13:00', '14:00', '15:00', '15:30']) await fire(at(`01T${time}:00`))
  const claim = async () => {
    const claims = await Promise.all(Array.from({ length: 6 }, () => claimExecution(db, 'a worker', 3_600_000)))
    return claims.flatMap((claimed) => (claimed ? [claimed] : []))
  }
  const first = await claim()
  assert.deepEqual(
    first.map(({ schedule }) => schedule?.plannedFor.toISOString()).toSorted(),
    ['2026-05-01T13:00:00.000Z', '2026-05-01T15:30:00.000Z'],
    'the first of each schedule, and no more',
  )
  assert.deepEqual(await claim(), [])
  const running = first.find(({ notebookId }) => notebookId === notebook.id)
  assert.ok(running && (await recordEnd(db, running, 'completed', [], {}, UNSEEN)))
  assert.deepEqual(
    (await claim()).map(({ schedule }) => schedule?.plannedFor),
    [at('01T14:00:00')],
  )
  assert.equal((await plannedOf(db, other.notebook.id)).length, 1)
})

test('a hundred executions of a schedule wait for one another at most', async (t) => {
  const { db, make, fire } = await open(t)
  const { notebook, schedule } = await make({ cron: '* * * * *', catchUp: 'all', catchUpLimit: 100 })
  await fire(at('01T14:00:00'))
  await fire(at('01T14:01:00'))
  const planned = await plannedOf(db, notebook.id)
  assert.deepEqual([planned.length, planned.at(-1)], [100, '2026-05-01T14:00:00.000Z'])
  const { lastSkipped, lastMissed } = await shown(db, schedule)
  assert.match(lastSkipped?.reason ?? '', /^100 executions/)
  assert.deepEqual([lastMissed?.from, lastMissed?.to], ['2026-05-01T12:01:00.000Z', '2026-05-01T12:20:00.000Z'])
})

test('a changed schedule counts from the change on; one that is disabled waits for nothing', async (t) => {
  const { db, make, fire } = await open(t)
  const { notebook, schedule } = await make({ cron: '0 * * * *' })
  const patch = (body: object, now: string) => patchSchedule(db, notebook.id, schedule.id, body, at(now))
  assert.deepEqual(toSchedule(await patch({ name: 'n' }, '01T20:30:00')).nextRuns[0], '2026-05-01T13:00:00.000Z')
  assert.deepEqual(toSchedule(await patch({ enabled: false }, '01T20:30:00')).nextRuns, [])
  await fire(at('01T21:00:00'))
  assert.equal(toSchedule(await patch({ enabled: true }, '01T22:30:00')).nextRuns[0], '2026-05-01T23:00:00.000Z')
  assert.equal(toSchedule(await patch({ cron: '15 * * * *' }, '01T22:30:00')).nextRuns[0], '2026-05-01T23:15:00.000Z')
  await fire(at('01T23:15:00'))
  assert.deepEqual(await plannedOf(db, notebook.id), ['2026-05-01T23:15:00.000Z'])
  const back = await patch({ cron: '*/15 * * * *' }, '01T22:00:00')
  assert.equal(toSchedule(back).nextRuns[0], '2026-05-01T23:30:00.000Z', 'also when the clock was set back')
  await assert.rejects(patch({ timeZone: 'Nowhere' }, '01T22:00:00'), { kind: 'invalid' })
  await assert.rejects(patch({ catchUp: 'all' }, '01T22:00:00'), { kind: 'invalid', message: /needs schedule.overlap/ })
  await assert.rejects(patch({ templateContext: '{' }, '01T22:00:00'), { kind: 'invalid', message: /JSON/ })
})

test('a schedule goes with its notebook; of a deleted application nothing is queued any more', async (t) => {
  const { db, make, fire } = await open(t)
  const [one, two, three] = [
    await make({ cron: '@hourly' }),
    await make({ cron: '@hourly' }),
    await make({ cron: '@hourly' }),
  ]
  await db.query('delete from notebooks where id = $1', [one.notebook.id])
  await assert.rejects(getSchedule(db, one.notebook.id, one.schedule.id), { kind: 'notFound' })
  await deleteApplication(db, two.notebook.applicationId)
  await deleteSchedule(db, three.notebook.id, three.schedule.id)
  await assert.rejects(deleteSchedule(db, three.notebook.id, three.schedule.id), { kind: 'notFound' })
  await fire(at('01T13:00:00'))
  assert.deepEqual(await db.query('select from executions'), [])
})

test('a notebook has a hundred schedules at most, also when many are made at once', async (t) => {
  const { db } = await open(t)
  const notebook = await makeNotebook(db)
  const made = await Promise.allSettled(
    Array.from({ length: 105 }, () => createSchedule(db, notebook, { cron: '@daily' }, NOON)),
  )
  assert.equal(made.filter(({ status }) => status === 'fulfilled').length, 100)
})

test('the clock of the schedules catches up at once, wakes for a new one, and sleeps until the next time', async (t) => {
  const { db, parts, make } = await open(t)
  const { notebook } = await make({ cron: '0 12 * * *' })
  let now = at('02T12:34:56')
  await using _ = await openScheduling(parts, () => now)
  await until(async () => (await plannedOf(db, notebook.id)).length === 1)
  now = at('02T12:59:59.900')
  const next = await make({ cron: '0 13 * * *' })
  await db.query(`update schedules set next_run_at = $2 where id = $1`, [next.schedule.id, at('02T13:00:00')])
  await db.query(`select pg_notify('fieldbook_scheduled', '')`)
  now = at('02T13:00:00')
  await until(async () => (await plannedOf(db, next.notebook.id)).length === 1)
})

test('a due schedule that another process holds is looked at now and then, not without a pause', async (t) => {
  const { db, parts, make } = await open(t)
  const { notebook, schedule } = await make({ cron: '0 12 * * *' })
  const clock = t.mock.fn(() => at('02T12:00:00'))
  await using held = await db.connect()
  await held.query('begin')
  await held.query('select from schedules where id = $1 for update', [schedule.id])
  await using _ = await openScheduling(parts, clock)
  await pause(600)
  const looks = clock.mock.callCount()
  assert.ok(looks > 0 && looks <= 4, `${looks} looks`)
  await held.query('commit')
  await until(async () => (await plannedOf(db, notebook.id)).length === 1)
})
