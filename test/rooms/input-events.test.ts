/** Input eventData: CSV and JSON of the events a query asks for, templates in it, and Parquet of the CSV. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import type { EventPost } from '../../contract/application-events.ts'
import type { NotebookInput } from '../../contract/notebook-files.ts'
import { createEvent } from '../../server/catalog/events.ts'
import { gatherInput } from '../../server/executions/inputs/gather.ts'
import { newId } from '../../server/ground/ids.ts'
import { literal } from '../../server/stores/duckdb/sql.ts'
import type { Database } from '../../server/stores/postgres/database.ts'
import { makeApplication } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'
import { gathered, makeStaging } from '../support/staging.ts'

const SOMEBODY = { sourceType: 'user', sourceId: newId(), sourceName: 'somebody' } as const

const raise = (db: Database, applicationId: string, post: EventPost) =>
  createEvent(db, applicationId, post, SOMEBODY, new Date('2026-03-01T00:00:00Z'))

async function makeScene(t: TestContext) {
  const db = await openTestDatabase(t)
  const { id: applicationId } = await makeApplication(db)
  const hot = await raise(db, applicationId, {
    level: 'error',
    subject: 'too hot, "again"',
    message: 'two\nlines',
    data: { t: 99 },
    eventTags: { kind: 'alarm' },
  })
  await raise(db, applicationId, { level: 'info', subject: 'started', creationDate: '2026-03-02T00:00:00Z' })
  await raise(db, (await makeApplication(db)).id, { level: 'error', subject: 'of another application' })
  const context = { ctx: { level: 'error', subject: 'too hot, "again"' }, globals: {} }
  return { hot, staging: await makeStaging(t, db, applicationId, { context }) }
}

const input = (rest: object): NotebookInput => ({ inputType: 'eventData', fileName: 'events.csv', ...rest })

test('all events, the oldest first, as CSV', async (t) => {
  const { hot, staging } = await makeScene(t)
  const csv = await gathered(staging, input({}))
  const [header, first, rest] = [csv.indexOf('\n'), csv.indexOf('started'), csv.length]
  assert.equal(
    csv.slice(0, header),
    'id,creationDate,lastUpdated,level,state,subject,message,sourceType,sourceId,sourceName,deviceId,deviceName,data,eventTags.kind',
  )
  assert.ok(csv.startsWith(`${hot.id},2026-03-01T00:00:00.000Z,`, header + 1))
  assert.ok(csv.slice(header, first).includes('error,new,"too hot, ""again""","two\nlines",user,'))
  assert.ok(csv.slice(header, first).includes(',"{""t"":99}",alarm\n'))
  assert.ok(rest > first && first > header)
  assert.ok(!csv.includes('another application'))
})

test('the events of a query, as JSON of whole events', async (t) => {
  const { hot, staging } = await makeScene(t)
  const cases: [queryJson: string, subjects: string[]][] = [
    ['{"level": "{{ctx.level}}"}', [hot.subject]],
    ['{"subject": {{jsonEncode ctx.subject}} }', [hot.subject]],
    ['{"creationDate": {"$gt": "2026-03-01T12:00:00Z"}}', ['started']],
    ['{"eventTags": {"kind": "alarm"}}', [hot.subject]],
    ['{"level": "critical"}', []],
    ['', [hot.subject, 'started']],
  ]
  for (const [queryJson, subjects] of cases) {
    const json = await gathered(staging, input({ fileName: 'events.json', format: 'json', queryJson }))
    assert.deepEqual(
      JSON.parse(json).map(({ subject }: { subject: string }) => subject),
      subjects,
      queryJson,
    )
  }
})

test('as Parquet, every column text', async (t) => {
  const { hot, staging } = await makeScene(t)
  const file = join(staging.folder, 'events.parquet')
  await gatherInput(input({ fileName: 'events.parquet', queryJson: '{"level": "error"}' }), file, staging)
  const rows = await staging.duckdb.session(staging.signal, (duck) =>
    duck.rows<Record<string, unknown>>(`select * from ${literal(file)}`),
  )
  assert.equal(rows.length, 1)
  const { id, subject, message, data, deviceId, creationDate, 'eventTags.kind': kind } = rows[0] ?? {}
  assert.deepEqual(
    [id, subject, message, data, deviceId, creationDate, kind],
    [hot.id, hot.subject, 'two\nlines', '{"t":99}', null, hot.creationDate, 'alarm'],
  )
})

test('a query that is none is refused in words', async (t) => {
  const { staging } = await makeScene(t)
  await assert.rejects(gathered(staging, input({ queryJson: '{"level": {"$foo": 1}}' })), {
    kind: 'invalid',
    message: /^queryJson\.level\.\$foo/,
  })
  await assert.rejects(gathered(staging, input({ queryJson: '{"nothing": 1}' })), { message: /^queryJson\.nothing/ })
})

test('a tag named as what every object has is empty where an event has none of it', async (t) => {
  const db = await openTestDatabase(t)
  const { id: applicationId } = await makeApplication(db)
  await raise(db, applicationId, { level: 'info', subject: 'with', eventTags: { constructor: 'Acme' } })
  await raise(db, applicationId, { level: 'info', subject: 'without', creationDate: '2026-03-02T00:00:00Z' })
  const csv = await gathered(await makeStaging(t, db, applicationId), input({}))
  assert.deepEqual(
    csv
      .trimEnd()
      .split('\n')
      .map((line) => line.split(',').at(-1)),
    ['eventTags.constructor', 'Acme', ''],
  )
})
