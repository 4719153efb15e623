/** Turns: never more at once than allowed, in the order of asking, whatever becomes of those before. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { createTurns, createTurnsByKey } from '../../server/ground/turns.ts'

test('no more go on at once than allowed, and the next ones follow in the order they asked', async () => {
  const inTurn = createTurns(2)
  const begun: number[] = []
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<number>())
  const results = gates.map(({ promise }, index) =>
    inTurn(() => {
      begun.push(index)
      return promise
    }),
  )
  await setImmediate()
  assert.deepEqual(begun, [0, 1])
  gates[1]?.resolve(10)
  await setImmediate()
  assert.deepEqual(begun, [0, 1, 2])
  gates[0]?.reject(new Error('failed'))
  await assert.rejects(results[0] ?? Promise.resolve(), /failed/)
  await setImmediate()
  assert.deepEqual(begun, [0, 1, 2, 3])
  for (const [index, gate] of gates.entries()) gate.resolve(index)
  assert.deepEqual(await Promise.all(results.slice(1)), [10, 2, 3, 4])
  assert.deepEqual(begun, [0, 1, 2, 3, 4])
})

test('a turn that was given back by a failure is free for somebody who asks later', async () => {
  const inTurn = createTurns(1)
  await assert.rejects(
    inTurn(() => Promise.reject(new Error('failed'))),
    /failed/,
  )
  assert.equal(await inTurn(async () => 'done'), 'done')
})

test('a wait ends when its signal aborts, and the next in the row has its turn', { timeout: 5000 }, async () => {
  const inTurn = createTurns(1)
  const first = Promise.withResolvers<string>()
  const going = inTurn(() => first.promise)
  const stop = new AbortController()
  const given = inTurn(async () => assert.fail('it was given up'), stop.signal)
  const next = inTurn(async () => 'next', new AbortController().signal)
  stop.abort(new Error('enough'))
  await assert.rejects(given, /enough/)
  first.resolve('first')
  assert.deepEqual(await Promise.all([going, next, inTurn(async () => 'last')]), ['first', 'next', 'last'])
  await assert.rejects(
    inTurn(async () => 'never', stop.signal),
    /enough/,
  )
})

test('each key has its own turns, and one that waits holds up nobody else', async () => {
  const inTurnOf = createTurnsByKey(1)
  const gates = [Promise.withResolvers<string>(), Promise.withResolvers<string>()]
  const [first, second] = gates.map((gate) => inTurnOf('a')(() => gate.promise))
  assert.equal(await inTurnOf('b')(async () => 'other'), 'other')
  let isDone = false
  const third = inTurnOf('a')(async () => {
    isDone = true
  })
  gates[1]?.resolve('second')
  await setImmediate()
  assert.equal(isDone, false)
  gates[0]?.resolve('first')
  assert.deepEqual(await Promise.all([first, second, third]), ['first', 'second', undefined])
  assert.equal(await inTurnOf('a')(async () => 'again'), 'again')
})
