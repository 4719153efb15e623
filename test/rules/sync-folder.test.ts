/** Writing folders out for many at once: everybody gets one that began after they asked, and no more of them than needed. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { shareSyncs } from '../../server/ground/sync-folder.ts'

/** A sync that ends when it is told to, and the folders for which it began. */
function scripted() {
  const begun: { folder: string; end: () => void; fail: (error: Error) => void }[] = []
  const sync = shareSyncs((folder) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    begun.push({ folder, end: resolve, fail: reject })
    return promise
  })
  const settled: string[] = []
  const ask = (name: string, folder = 'a') =>
    sync(folder).then(
      () => settled.push(name),
      (error: Error) => settled.push(`${name}: ${error.message}`),
    )
  return { begun, settled, ask }
}

/** Enough turns for everything that can follow. */
async function turns() {
  for (let turn = 0; turn < 5; turn++) await setImmediate()
}

test('those who ask in the same turn share one', async () => {
  const { begun, settled, ask } = scripted()
  void ask('first')
  void ask('second')
  void ask('other folder', 'b')
  await turns()
  assert.deepEqual(
    begun.map(({ folder }) => folder),
    ['a', 'b'],
  )
  for (const { end } of begun) end()
  await turns()
  assert.deepEqual(settled, ['first', 'second', 'other folder'])
})

test('those who ask while one is under way share the next one, which begins after it', async () => {
  const { begun, settled, ask } = scripted()
  void ask('first')
  await turns()
  void ask('second')
  void ask('third')
  await turns()
  assert.equal(begun.length, 1)
  begun[0]?.end()
  await turns()
  assert.deepEqual([settled, begun.length], [['first'], 2])
  begun[1]?.end()
  await turns()
  assert.deepEqual([settled, begun.length], [['first', 'second', 'third'], 2])
})

test('a failure reaches everybody who shared it, and nobody who came later', async () => {
  const { begun, settled, ask } = scripted()
  void ask('first')
  void ask('second')
  await turns()
  void ask('later')
  begun[0]?.fail(new Error('no space'))
  await turns()
  begun[1]?.end()
  await turns()
  assert.deepEqual(settled, ['first: no space', 'second: no space', 'later'])
})
