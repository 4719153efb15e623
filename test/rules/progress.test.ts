/** Reports of progress: the last one always arrives, and many become few. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { createReporter } from '../../server/executions/progress.ts'
import { createLog } from '../../server/ground/log.ts'
import type { Queryable } from '../../server/stores/postgres/queryable.ts'

/** Keeps the values of every statement instead of a database; `answer` may make one fail or wait. */
function recorder(answer: () => Promise<void> = async () => {}) {
  const cells: unknown[] = []
  const query: Queryable['query'] = async (_, values = []) => {
    cells.push(values[3])
    await answer()
    return []
  }
  const db: Queryable = { query, one: async () => undefined }
  return { db, cells }
}

const HOLDER = { id: 'e', attempt: 1 }
const QUIET = createLog('silent')

test('a quick notebook writes its first and its last cell, not the thousand between', async () => {
  const { db, cells } = recorder()
  {
    await using reporter = createReporter(db, HOLDER, QUIET)
    for (let cell = 1; cell <= 1000; cell += 1) reporter.report(cell, 1000)
  }
  assert.deepEqual([cells[0], cells.at(-1)], [1, 1000])
  assert.equal(cells.length, 2)
})

test('what is reported while a report is being written is not lost when it ends there', async () => {
  const { promise: written, resolve } = Promise.withResolvers<void>()
  const { db, cells } = recorder(() => written)
  {
    await using reporter = createReporter(db, HOLDER, QUIET)
    reporter.report(1, 3)
    reporter.report(2, 3)
    reporter.report(3, 3)
    resolve()
  }
  assert.deepEqual(cells, [1, 3])
})

test('a database that is away costs reports, not the run', async () => {
  const { db, cells } = recorder(() => Promise.reject(new Error('away')))
  {
    await using reporter = createReporter(db, HOLDER, QUIET)
    reporter.report(1, 2)
    reporter.report(2, 2)
  }
  assert.deepEqual(cells, [1, 2])
})

test('a run that reports nothing writes nothing', async () => {
  const { db, cells } = recorder()
  {
    await using _reporter = createReporter(db, HOLDER, QUIET)
  }
  assert.deepEqual(cells, [])
})
