/** The two spellings of a job's id name the same job. */

import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { jobIdOf, ticketOf } from '../../server/jobs/ticket.ts'

test('every id has a ticket that fits the published answer and leads back to it', () => {
  const hex = fc.uint8Array({ minLength: 12, maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString('hex'))
  fc.assert(
    fc.property(hex, (id) => {
      const ticket = ticketOf(id)
      assert.match(ticket, /^[0-9a-z]{19}$/)
      assert.equal(jobIdOf(ticket), id)
      assert.equal(jobIdOf(ticket.toUpperCase()), id)
      assert.equal(jobIdOf(id.toUpperCase()), id)
    }),
  )
})

for (const [text, why] of [
  ['', 'nothing'],
  ['zzzzzzzzzzzzzzzzzzz', 'more than 96 bits'],
  ['0000000000000000000a', 'too long for a ticket'],
  ['00000000000000000-a', 'not a digit'],
  ['0123456789abcdef0123456', 'too short for an id'],
] as const) {
  test(`"${text}" is no job id: ${why}`, () => assert.equal(jobIdOf(text), undefined))
}
