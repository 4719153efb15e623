/** Events against a real database: lists and queries, histories, many at once, and files of them. */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { parse } from 'csv-parse/sync'
import type { EventPost, EventSource } from '../../contract/application-events.ts'
import { countEvents, deleteEvents, updateEvents } from '../../server/catalog/event-bulk.ts'
import { exportEvents } from '../../server/catalog/event-export.ts'
import { eventJobs } from '../../server/catalog/event-jobs.ts'
import {
  createEvent,
  getEvent,
  listEvents,
  mostRecentBySeverity,
  patchEvent,
  readChange,
} from '../../server/catalog/events.ts'
import { getJob } from '../../server/jobs/logs.ts'
import { jobRequest, openTestJobs } from '../support/jobs.ts'
import { makeApplication, makeDevice, makeFolder } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'
import { until } from '../support/until.ts'

const SOURCE: EventSource = { sourceType: 'user', sourceId: '65f000000000000000000001', sourceName: 'ann@example.com' }
const LIMIT = { timeout: 60_000 }

async function setScene(t: TestContext) {
  const db = await openTestDatabase(t, { poolSize: 8 })
  const { id: applicationId } = await makeApplication(db)
  const make = (post: Partial<EventPost> = {}, into = applicationId) =>
    createEvent(db, into, { level: 'info', subject: 'something', ...post }, SOURCE, new Date())
  return { db, applicationId, make, folder: await makeFolder(t) }
}

/** Rows by the thousand, one second after the other from 2026 on. */
const fill = (db: Awaited<ReturnType<typeof openTestDatabase>>, applicationId: string, count: number) =>
  db.query(
    `insert into events (id, application_id, created_at, updated_at, source_type, source_id, source_name, level, state,
       subject, data, track_tags, tags)
     select '000000' || lpad(to_hex(n), 18, '0'), $1, timestamptz '2026-01-01' + n * interval '1 second', now(), 'user',
       $3, 'ann', (array['info', 'warning'])[1 + n % 2], 'new', 'event ' || n, jsonb_build_object('n', n), true,
       jsonb_build_object('floor', (n % 3)::text)
     from generate_series(1, $2::int) as n`,
    [applicationId, count, SOURCE.sourceId],
  )

test('an event is made as it was told, and read again the same', LIMIT, async (t) => {
  const { db, applicationId, make } = await setScene(t)
  const device = await makeDevice(db, { applicationId, name: 'the pump' })
  const event = await make({
    level: 'critical',
    message: 'over 90 °C',
    data: null,
    deviceId: device.id.toUpperCase(),
    eventTags: { floor: '1' },
    creationDate: 1_700_000_000_000,
  })
  assert.deepEqual(await getEvent(db, applicationId, event.id), event)
  const { id: _, eventId: __, lastUpdated: ___, ...rest } = event
  assert.deepEqual(rest, {
    applicationId,
    creationDate: '2023-11-14T22:13:20.000Z',
    ...SOURCE,
    level: 'critical',
    state: 'new',
    subject: 'something',
    message: 'over 90 °C',
    data: null,
    deviceId: device.id,
    deviceName: 'the pump',
    disableTagChangeTracking: false,
    eventTags: { floor: '1' },
    updates: [],
  })
  assert.equal('data' in (await make()), false)
})

test('what can not be is refused by name', LIMIT, async (t) => {
  const { db, applicationId, make } = await setScene(t)
  const foreign = await makeDevice(db)
  const refusals: [Partial<EventPost>, RegExp][] = [
    [{ deviceId: foreign.id }, /^event\.deviceId must be the id of a device of this application$/],
    [{ creationDate: 'yesterday-ish' }, /^event\.creationDate must be a time/],
    [{ data: 'x'.repeat(70_000) }, /^event\.data must have at most 65536 characters as JSON$/],
  ]
  for (const [post, message] of refusals) await assert.rejects(make(post), { kind: 'invalid', message })
  const event = await make()
  const other = await makeApplication(db)
  await assert.rejects(getEvent(db, other.id, event.id), { kind: 'notFound' })
  await assert.rejects(patchEvent(db, other.id, event.id, { comment: 'x' }, SOURCE, new Date()), { kind: 'notFound' })
  await assert.rejects(patchEvent(db, applicationId, event.id, { deviceId: foreign.id }, SOURCE, new Date()), {
    message: /^event\.deviceId must be/,
  })
})

test(
  'lists: the newest first, by state, by subject, by every field, and by a query in place of the filters',
  LIMIT,
  async (t) => {
    const { db, applicationId, make } = await setScene(t)
    await make({ subject: 'b 10%', level: 'error', creationDate: '2026-01-01T00:00:00Z', eventTags: { floor: '1' } })
    await make({ subject: 'A', level: 'info', creationDate: '2026-01-03T00:00:00Z', state: 'resolved' })
    await make({ subject: 'c', level: 'critical', creationDate: '2026-01-02T00:00:00Z', eventTags: { floor: '2' } })
    await make({ subject: 'foreign' }, (await makeApplication(db)).id)
    const subjects = async (query: object) =>
      (await listEvents(db, applicationId, query)).items.map(({ subject }) => subject)
    assert.deepEqual(await subjects({}), ['A', 'c', 'b 10%'])
    assert.deepEqual(await subjects({ sortDirection: 'asc' }), ['b 10%', 'c', 'A'])
    assert.deepEqual(await subjects({ sortField: 'level' }), ['c', 'b 10%', 'A'])
    assert.deepEqual(await subjects({ sortField: 'deviceId', sortDirection: 'asc' }).then((list) => list.length), 3)
    assert.deepEqual(await subjects({ state: 'new' }), ['c', 'b 10%'])
    assert.deepEqual(await subjects({ state: 'new', filter: 'B*%' }), ['b 10%'])
    assert.deepEqual(await subjects({ query: '{"eventTags":{"floor":{"$in":["2"]}}}' }), ['c'])
    assert.deepEqual(await subjects({ query: { level: { $in: ['info', 'error'] } }, state: 'new' }), ['A', 'b 10%'])
    assert.deepEqual(await subjects({ query: { creationDate: { $gte: Date.parse('2026-01-02') } } }), ['A', 'c'])
    const page = await listEvents(db, applicationId, { perPage: '1', page: '1', state: 'new' })
    assert.deepEqual([page.items[0]?.subject, page.count, page.totalCount, page.state], ['b 10%', 1, 2, 'new'])
    await assert.rejects(listEvents(db, applicationId, { query: { colour: 1 } }), {
      kind: 'invalid',
      message: /^query\.colour is not a field; allowed are id, creationDate/,
    })
  },
)

test('the most severe new event, and how many are new', LIMIT, async (t) => {
  const { db, applicationId, make } = await setScene(t)
  assert.deepEqual(await mostRecentBySeverity(db, applicationId, {}), { newCount: 0 })
  await make({ subject: 'old', level: 'error', creationDate: '2026-01-01T00:00:00Z' })
  await make({ subject: 'newer', level: 'error', creationDate: '2026-01-02T00:00:00Z' })
  await make({ subject: 'milder', level: 'warning', creationDate: '2026-01-03T00:00:00Z' })
  await make({ subject: 'settled', level: 'critical', state: 'resolved' })
  const all = await mostRecentBySeverity(db, applicationId, {})
  assert.deepEqual([all.event?.subject, all.newCount], ['newer', 3])
  const some = await mostRecentBySeverity(db, applicationId, { filter: 'mil*' })
  assert.deepEqual([some.event?.subject, some.newCount], ['milder', 1])
})

test('two changes of one event at the same time are both in its history', LIMIT, async (t) => {
  const { db, applicationId, make } = await setScene(t)
  const { id } = await make()
  const say = (comment: string) => patchEvent(db, applicationId, id, { comment }, SOURCE, new Date())
  await Promise.all(['a', 'b', 'c', 'd'].map(say))
  const { updates } = await getEvent(db, applicationId, id)
  assert.deepEqual(updates.map(({ comment }) => comment).sort(), ['a', 'b', 'c', 'd'])
})

test(
  'many are changed in batches; the same job twice says it once; what came later is left alone',
  LIMIT,
  async (t) => {
    const { db, applicationId } = await setScene(t)
    const other = await makeApplication(db)
    await fill(db, applicationId, 1200)
    await db.query(
      `insert into events (id, application_id, created_at, updated_at, source_type, source_id, source_name, level, state,
       subject, track_tags) values ('ffffffff0000000000000000', $1, now(), now(), 'user', $3, 'ann', 'info', 'new', 'later', true),
       ('000000ff0000000000000000', $2, now(), now(), 'user', $3, 'ann', 'info', 'new', 'foreign', true)`,
      [applicationId, other.id, SOURCE.sourceId],
    )
    const chosen = { applicationId, choice: { query: { level: 'info' } } }
    assert.equal(await countEvents(db, chosen, 10_000), 601)
    assert.equal(await countEvents(db, chosen, 100), 101)
    const change = await readChange(db, applicationId, { comment: 'all of them' }, 'updates')
    const how = { change, source: SOURCE, before: new Date(), jobId: 'a job' }
    assert.equal(await updateEvents(db, chosen, how), 600)
    assert.equal(await updateEvents(db, chosen, how), 0)
    assert.deepEqual(
      await db.query(`select jsonb_array_length(updates) as entries, count(*)::int as events from events
       group by 1 order by 1`),
      [
        { entries: 0, events: 602 },
        { entries: 1, events: 600 },
      ],
    )
    const states = { state: 'resolved' as const }
    const resolve = { ...how, change: await readChange(db, applicationId, states, 'updates'), jobId: 'another' }
    assert.equal(await updateEvents(db, { applicationId, choice: { state: 'new' } }, resolve), 1200)
    assert.equal(await deleteEvents(db, { applicationId, choice: { query: { state: 'resolved' } } }, new Date()), 1200)
    assert.deepEqual(await db.query('select subject from events order by subject'), [
      { subject: 'foreign' },
      { subject: 'later' },
    ])
  },
)

test(
  'a file of events: CSV with a column for each tag, JSON with the histories, the oldest first',
  LIMIT,
  async (t) => {
    const { db, applicationId, make, folder } = await setScene(t)
    const { id } = await make({
      subject: 'with "quotes", and\nlines',
      level: 'error',
      creationDate: '2026-01-02T00:00:00Z',
      data: { a: [1, 'x'] },
      eventTags: { b: '2', Z: '1' },
    })
    await make({ subject: 'first', creationDate: '2026-01-01T00:00:00Z', eventTags: { a: 'only here' } })
    await patchEvent(db, applicationId, id, { comment: 'seen' }, SOURCE, new Date())
    const write = async (format: 'csv' | 'json', query?: object, options = {}) => {
      const file = join(folder, 'events')
      await exportEvents(db, applicationId, query, format, file, new AbortController().signal, options)
      return readFile(file, 'utf8')
    }
    const csv = await write('csv')
    const [header] = csv.split('\n')
    assert.equal(
      header,
      'id,creationDate,lastUpdated,level,state,subject,message,sourceType,sourceId,sourceName,deviceId,deviceName,data,eventTags.Z,eventTags.a,eventTags.b',
    )
    const rows: Record<string, string>[] = parse(csv, { columns: true })
    assert.deepEqual(
      rows.map((row) => [row['subject'], row['data'], row['eventTags.Z'], row['eventTags.a'], row['eventTags.b']]),
      [
        ['first', '', '', 'only here', ''],
        ['with "quotes", and\nlines', '{"a":[1,"x"]}', '1', '', '2'],
      ],
    )
    const list = await listEvents(db, applicationId, { sortDirection: 'asc' })
    assert.deepEqual(JSON.parse(await write('json')), list.items)
    assert.equal('updates' in JSON.parse(await write('json', {}, { updates: false }))[1], false)
    const withUpdates: Record<string, string>[] = parse(await write('csv', {}, { updates: true }), { columns: true })
    assert.equal(JSON.parse(withUpdates[1]?.['updates'] ?? '')[0].comment, 'seen')
    assert.equal(await write('json', { level: 'critical' }), '[]\n')
    assert.match(await write('csv', { level: 'critical' }), /^id,.*,data\n$/)
  },
)

test('a file of many events has each of them once, and a faulty query leaves none', LIMIT, async (t) => {
  const { db, applicationId, folder } = await setScene(t)
  await fill(db, applicationId, 1001)
  const file = join(folder, 'events.json')
  const signal = new AbortController().signal
  assert.equal(await exportEvents(db, applicationId, undefined, 'json', file, signal), 1001)
  const events: { data: { n: number } }[] = JSON.parse(await readFile(file, 'utf8'))
  assert.deepEqual(
    events.map(({ data }) => data.n),
    Array.from({ length: 1001 }, (_, n) => n + 1),
  )
  await assert.rejects(
    exportEvents(db, applicationId, { level: { $like: 'x' } }, 'csv', join(folder, 'no'), signal, { path: 'inputs.0' }),
    /^AppError: inputs\.0\.level\.\$like is not an operator/,
  )
})

test('the jobs of events: exported, changed and deleted behind their requests', LIMIT, async (t) => {
  const { db, applicationId, folder } = await setScene(t)
  await fill(db, applicationId, 700)
  await using opened = await openTestJobs({ db, folder, work: eventJobs(db) })
  const run = async (kind: string, input: object) => {
    const { jobId } = await opened.jobs.enqueue(db, jobRequest(applicationId, kind, input))
    await until(async () => (await getJob(db, applicationId, jobId)).completed_at !== null)
    return getJob(db, applicationId, jobId)
  }
  const before = new Date().toISOString()
  const exported = await run('eventsExport', { format: 'csv', excludeUpdates: true })
  assert.deepEqual([exported.output, exported.files[0]?.name], [{ events: 700 }, 'events.csv'])
  const lines = String(await opened.blobs.read(exported.files[0]?.key ?? '')).split('\n')
  assert.equal(lines.length, 702)
  const patch = { state: 'acknowledged' }
  const changed = await run('eventsPatch', { choice: { query: { level: 'warning' } }, patch, source: SOURCE, before })
  assert.deepEqual(changed.output, { updated: 350 })
  assert.deepEqual((await run('eventsDelete', { query: { state: 'new' }, before })).output, { removed: 350 })
})
