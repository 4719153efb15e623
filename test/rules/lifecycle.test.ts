/** The life of an execution: which status may follow which, and where a failure leads. */

import assert from 'node:assert/strict'
import test from 'node:test'
import type { ExecutionStatus } from '../../contract/executions.ts'
import { before, canBecome, diagram, type Failure, finalStatus, isFinal } from '../../server/executions/lifecycle.ts'

const STATUSES = ['queued', 'inProgress', 'completed', 'errored', 'timeout', 'canceling', 'canceled'] as const

const MOVES = new Set([
  'queued → inProgress',
  'queued → canceled',
  'inProgress → completed',
  'inProgress → errored',
  'inProgress → timeout',
  'inProgress → canceling',
  'inProgress → queued',
  'canceling → canceled',
  'canceling → errored',
  'canceling → timeout',
])

test('exactly these moves are possible', () => {
  for (const from of STATUSES) {
    for (const to of STATUSES) assert.equal(canBecome(from, to), MOVES.has(`${from} → ${to}`), `${from} → ${to}`)
  }
})

test('four statuses are final, and every other one leads to each of them that is left', () => {
  assert.deepEqual(STATUSES.filter(isFinal), ['completed', 'errored', 'timeout', 'canceled'])
  const reached = (from: ExecutionStatus, seen = new Set<string>()): Set<string> => {
    for (const to of STATUSES.filter((status) => canBecome(from, status) && !seen.has(status))) {
      seen.add(to)
      reached(to, seen)
    }
    return seen
  }
  for (const from of ['queued', 'inProgress'] as const) {
    for (const to of STATUSES.filter(isFinal)) assert.ok(reached(from).has(to), `${from} never becomes ${to}`)
  }
})

test('a guarded move compares with every status it may come from', () => {
  assert.deepEqual(before('canceling'), ['inProgress'])
  assert.deepEqual(before('inProgress'), ['queued'])
  assert.deepEqual(before('completed'), ['inProgress'])
  assert.deepEqual(before('canceled').toSorted(), ['canceling', 'queued'])
})

test('the final status says how it ended, whatever the stage', () => {
  assert.equal(finalStatus(undefined), 'completed')
  const endings: [Failure['reason'], ExecutionStatus][] = [
    ['failed', 'errored'],
    ['timeout', 'timeout'],
    ['canceled', 'canceled'],
  ]
  for (const [reason, status] of endings) {
    for (const stage of ['inputs', 'notebook', 'outputs', 'worker'] as const) {
      assert.equal(finalStatus({ stage, reason, name: 'n', message: 'm' }), status)
      assert.ok(isFinal(status))
    }
  }
})

test('the diagram draws every move once', () => {
  const lines = diagram().split('\n')
  assert.equal(lines[0], 'stateDiagram-v2')
  const drawn = lines.filter((line) => !line.includes('[*]')).slice(1)
  assert.deepEqual(new Set(drawn.map((line) => line.trim().replace('-->', '→'))), MOVES)
  assert.equal(drawn.length, MOVES.size)
  assert.deepEqual(
    lines.filter((line) => line.includes('[*]')).map((line) => line.trim()),
    ['[*] --> queued', 'completed --> [*]', 'errored --> [*]', 'timeout --> [*]', 'canceled --> [*]'],
  )
})
