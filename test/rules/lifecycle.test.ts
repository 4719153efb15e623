/** The life of an execution: which status may follow which, and where a failure leads. */

import assert from 'node:assert/strict'
import test from 'node:test'
import type { ExecutionStatus } from '../../contract/executions.ts'
import { CAUSES } from '../../server/executions/causes.ts'
import { before, canBecome, diagram, finalStatus, isFinal } from '../../server/executions/lifecycle.ts'

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

test('the cause of a failure decides the final status', () => {
  assert.equal(finalStatus(undefined), 'completed')
  for (const [name, status] of Object.entries(CAUSES)) assert.ok(isFinal(status), name)
  assert.equal(finalStatus({ name: 'CellError' }), 'errored')
  assert.equal(finalStatus({ name: 'CellTimeout' }), 'timeout')
  assert.equal(finalStatus({ name: 'Canceled' }), 'canceled')
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
