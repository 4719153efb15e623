/** Ids: their form, their order, and what counts as one. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { isId, newId } from '../../server/ground/ids.ts'

test('ids are 24 hexadecimal digits that begin with the second they were made in', () => {
  const id = newId(new Date('2026-03-01T00:00:00.999Z'))
  assert.match(id, /^[0-9a-f]{24}$/)
  assert.equal(Number.parseInt(id.slice(0, 8), 16) * 1000, Date.parse('2026-03-01T00:00:00Z'))
})

test('of many ids no two are the same', () => {
  assert.equal(new Set(Array.from({ length: 100_000 }, () => newId())).size, 100_000)
})

test('an id may be written in capitals, and is nothing longer, shorter or else', () => {
  for (const text of ['0123456789abcdefABCDEF01', newId(), newId().toUpperCase()]) assert.ok(isId(text), text)
  for (const text of ['', newId().slice(1), `${newId()}0`, `${newId()}\n`, 'g'.repeat(24)]) assert.ok(!isId(text), text)
})
