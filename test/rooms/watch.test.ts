/** Watching executions: what the holder writes arrives, once, in order, also for whoever comes late, and ends with the end. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { createBacklog, finalEventId, type StoredEvent } from '../../server/executions/backlog.ts'
import { EVENTS_PER_READ, readEvents } from '../../server/executions/events.ts'
import { releaseExecution, takeBack } from '../../server/executions/leases.ts'
import { createLive } from '../../server/executions/live.ts'
import { cancelExecution, getExecution, recordEnd, recordLive } from '../../server/executions/store.ts'
import { openWatch, type Watch } from '../../server/executions/watch.ts'
import { createLog } from '../../server/ground/log.ts'
import type { Database } from '../../server/stores/postgres/database.ts'
import { makeClaim, makeExecution, makeNotebook, UNSEEN } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

/** Only notifications wake, unless a test says so. */
const NEVER_MS = 3_600_000
const NOTIFIED = { pollMs: NEVER_MS, beatMs: NEVER_MS }
const QUIET = createLog('silent')
const UNTIL_END = new AbortController().signal

async function claimed(db: Database) {
  await makeExecution(db, await makeNotebook(db))
  return makeClaim(db)
}

/** Events of an attempt, one for each text. */
function texts(attempt: number, ...words: string[]): readonly StoredEvent[] {
  const backlog = createBacklog(attempt)
  words.forEach((text, index) => {
    backlog.add({ kind: 'stream', cellNumber: index + 1, name: 'stdout', text })
  })
  return backlog.unwritten()
}

const say = ({ kind, data }: StoredEvent) => (kind === 'stream' ? JSON.parse(data).text : kind)

async function follow(watch: Watch, id: string, after = -1, signal = UNTIL_END): Promise<StoredEvent[]> {
  const seen: StoredEvent[] = []
  for await (const batch of watch.follow(id, after, signal)) seen.push(...batch)
  return seen
}

/** The next event that is one, and not a sign of life. */
async function next(events: AsyncGenerator<readonly StoredEvent[], void>): Promise<readonly StoredEvent[]> {
  for (;;) {
    const { value, done } = await events.next()
    if (done) return []
    if (value.length > 0) return value
  }
}

test('what is written wakes whoever watches, and the end ends it', async (t) => {
  const db = await openTestDatabase(t)
  await using watch = await openWatch(db, NOTIFIED)
  const execution = await claimed(db)
  const events = watch.follow(execution.id, -1, UNTIL_END)
  assert.deepEqual((await next(events)).map(say), ['phase'])
  const [a, b] = texts(1, 'a', 'b')
  assert.ok(a && b)
  await recordLive(db, execution, { cell: 1, cells: 2 }, [a])
  assert.deepEqual(await next(events), [a])
  const { progress } = await getExecution(db, execution.notebookId, execution.id)
  assert.deepEqual([progress.cell, progress.cells], [1, 2])
  await recordEnd(db, execution, 'completed', [], {}, { ...UNSEEN, cell: 2, cells: 2, events: [b] })
  const last = await next(events)
  assert.deepEqual(last.map(say), ['b', 'finished'])
  assert.deepEqual(JSON.parse(last[1]?.data ?? ''), { status: 'completed', executionErrors: [] })
  assert.deepEqual(await next(events), [])
})

test('a hundred watchers see the same, whenever they came and wherever they begin', async (t) => {
  const db = await openTestDatabase(t)
  await using watch = await openWatch(db, NOTIFIED)
  const execution = await claimed(db)
  const words = Array.from({ length: 3 * EVENTS_PER_READ }, (_, index) => `${index}`)
  const events = texts(1, ...words)
  const early = Array.from({ length: 100 }, () => follow(watch, execution.id))
  for (let from = 0; from < events.length; from += 100) {
    await recordLive(db, execution, { cell: from, cells: 9 }, events.slice(from, from + 100))
  }
  await recordEnd(db, execution, 'errored', [{ name: 'CellError', message: 'm' }], {}, UNSEEN)
  const expected = ['phase', ...words, 'finished']
  for (const seen of await Promise.all(early)) assert.deepEqual(seen.map(say), expected)
  assert.deepEqual((await follow(watch, execution.id)).map(say), expected)
  const middle = events[EVENTS_PER_READ]?.id ?? 0
  assert.deepEqual((await follow(watch, execution.id, middle)).map(say), expected.slice(EVENTS_PER_READ + 2))
  assert.deepEqual(await follow(watch, execution.id, finalEventId(1)), [])
})

test('what comes while somebody reads is missed neither by them nor by who joins them', async (t) => {
  const db = await openTestDatabase(t)
  const [one, other] = [await claimed(db), await claimed(db)]
  const [isRead, mayGoOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let isFirst = true
  // Holds the first look at the one execution back once the database has answered it.
  const slow: Database = {
    ...db,
    query: async <Row>(text: string, values?: readonly unknown[]) => {
      const rows = await db.query<Row>(text, values)
      if (!isFirst || values?.[0] !== one.id) return rows
      isFirst = false
      isRead.resolve()
      await mayGoOn.promise
      return rows
    },
  }
  await using watch = await openWatch(slow, NOTIFIED)
  const [early, elsewhere] = [watch.follow(one.id, -1, UNTIL_END), watch.follow(other.id, -1, UNTIL_END)]
  const first = next(early)
  await isRead.promise
  await next(elsewhere)
  await recordLive(db, one, { cell: 1, cells: 1 }, texts(1, 'news'))
  // Notifications come in order: once this one has, so has that of the news.
  await recordLive(db, other, { cell: 1, cells: 1 }, texts(1, 'other'))
  assert.deepEqual((await next(elsewhere)).map(say), ['other'])
  const late = next(watch.follow(one.id, -1, UNTIL_END))
  mayGoOn.resolve()
  assert.deepEqual((await late).map(say), ['phase', 'news'])
  assert.deepEqual((await first).map(say), ['phase'])
  assert.deepEqual((await next(early)).map(say), ['news'])
})

test('an attempt that lost its execution tells nothing any more, and the next one begins after it', async (t) => {
  const db = await openTestDatabase(t)
  await using watch = await openWatch(db, NOTIFIED)
  const first = await claimed(db)
  await recordLive(db, first, { cell: 1, cells: 1 }, texts(1, 'first'))
  await takeBack(db, [first])
  await recordLive(db, first, { cell: 1, cells: 1 }, texts(1, 'x', 'too late'))
  const second = await makeClaim(db)
  await recordLive(db, first, { cell: 1, cells: 1 }, texts(1, 'x', 'too late'))
  await recordEnd(db, second, 'completed', [], {}, { ...UNSEEN, events: texts(second.attempt, 'second') })
  assert.deepEqual((await follow(watch, first.id)).map(say), ['phase', 'first', 'second', 'finished'])
})

test('an end that no worker wrote is found by looking', async (t) => {
  const db = await openTestDatabase(t)
  await using watch = await openWatch(db, { pollMs: 20, beatMs: NEVER_MS })
  const notebook = await makeNotebook(db)
  const [waiting, running] = [await makeExecution(db, notebook), await makeExecution(db, notebook)]
  const both = Promise.all([follow(watch, waiting), follow(watch, running)])
  await cancelExecution(db, notebook.id, waiting)
  const held = await makeClaim(db)
  await cancelExecution(db, notebook.id, running)
  await releaseExecution(db, held)
  for (const seen of await both) assert.deepEqual(seen.map(say), ['phase', 'finished'])
})

test('a watcher that goes away, or whose door closes, is let go at once', async (t) => {
  const db = await openTestDatabase(t)
  await using watch = await openWatch(db, NOTIFIED)
  const { id } = await claimed(db)
  const gone = new AbortController()
  const [one, other] = [follow(watch, id, -1, gone.signal), follow(watch, id)]
  gone.abort()
  assert.ok((await one).length <= 1)
  watch.end()
  assert.ok((await other).length <= 1)
  assert.deepEqual(await follow(watch, id), [])
})

test('who waits long gets a sign of life', async (t) => {
  const db = await openTestDatabase(t)
  await using watch = await openWatch(db, { pollMs: 5, beatMs: 20 })
  const { id } = await claimed(db)
  const gone = new AbortController()
  let beats = 0
  for await (const batch of watch.follow(id, -1, gone.signal)) {
    if (batch.length === 0) beats += 1
    if (beats === 3) gone.abort()
  }
  assert.equal(beats, 3)
})

test('an execution that is deleted while it is watched ends the watching with an error', async (t) => {
  const db = await openTestDatabase(t)
  await using watch = await openWatch(db, { pollMs: 20, beatMs: NEVER_MS })
  const { id, notebookId } = await claimed(db)
  const watching = follow(watch, id)
  await db.query('delete from notebooks where id = $1', [notebookId])
  await assert.rejects(watching, { kind: 'notFound' })
  assert.deepEqual(await db.query('select from execution_events where execution_id = $1', [id]), [])
})

test('a run writes its events in batches, and what is left goes with the end', async (t) => {
  const db = await openTestDatabase(t)
  await using watch = await openWatch(db, NOTIFIED)
  const execution = await claimed(db)
  const live = createLive(db, execution, QUIET)
  const events = watch.follow(execution.id, 0, UNTIL_END)
  live.tell({ kind: 'cell', cellNumber: 1, cells: 2, cellIndex: 3, state: 'running' })
  live.tell({ kind: 'stream', cellNumber: 1, name: 'stdout', text: 'a' })
  live.tell({ kind: 'stream', cellNumber: 1, name: 'stdout', text: 'b' })
  assert.deepEqual((await next(events)).map(say), ['cell', 'ab'])
  live.tell({ kind: 'stream', cellNumber: 1, name: 'stdout', text: 'c' })
  live.ended({ cellIndex: 3, ms: 1.234, outputBytes: 10 })
  live.used({ peakMemoryBytes: 7, cpuSeconds: 0.5 })
  await live.settle()
  live.tell({ kind: 'stream', cellNumber: 1, name: 'stderr', text: 'd' })
  await recordEnd(db, execution, 'completed', [], {}, live.seen())
  const rest: unknown[] = []
  for await (const batch of events) rest.push(...batch.map(say))
  assert.deepEqual(rest, ['c', 'd', 'finished'])
  const { metrics, progress } = await getExecution(db, execution.notebookId, execution.id)
  assert.deepEqual(metrics, { peakMemoryBytes: 7, cpuSeconds: 0.5, outputBytes: 10, cells: [[3, 1.2]] })
  assert.deepEqual(progress, { phase: 'finished', cell: 1, cells: 2 })
})

test('a short run writes nothing but its end', async (t) => {
  const db = await openTestDatabase(t)
  const execution = await claimed(db)
  await using live = createLive(db, execution, QUIET)
  for (let cell = 1; cell <= 1000; cell += 1) {
    live.tell({ kind: 'cell', cellNumber: cell, cells: 1000, cellIndex: cell - 1, state: 'running' })
  }
  await live.settle()
  assert.deepEqual((await readEvents(db, execution.id, -1)).events, [])
  await recordEnd(db, execution, 'completed', [], {}, live.seen())
  assert.equal((await readEvents(db, execution.id, -1)).events.length, EVENTS_PER_READ)
})

test('a database that is away costs a batch its time, and nothing is lost', async (t) => {
  const db = await openTestDatabase(t)
  const execution = await claimed(db)
  const failed = Promise.withResolvers<void>()
  let tries = 0
  const flaky: Pick<Database, 'query' | 'one'> = {
    one: db.one,
    query: (text, values) => {
      tries += 1
      if (tries > 1) return db.query(text, values)
      failed.resolve()
      return Promise.reject(new Error('away'))
    },
  }
  const live = createLive(flaky, execution, QUIET)
  live.tell({ kind: 'stream', cellNumber: 1, name: 'stdout', text: 'kept' })
  await failed.promise
  await using watch = await openWatch(db, NOTIFIED)
  assert.deepEqual((await next(watch.follow(execution.id, 0, UNTIL_END))).map(say), ['kept'])
  await live.settle()
})
