/** When cron expressions come true, on the days clocks are set above all. */

import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { newestTimes, nextTimes, requireTimes, timesOf } from '../../server/executions/schedules/times.ts'
import { CHANGES, expressionOf, fields, plannedTimes } from '../support/schedule-model.ts'

const HOUR_MS = 3_600_000
const BERLIN = 'Europe/Berlin'

/** What comes true after a moment, as UTC. */
const cases: [what: string, expression: string, zone: string, after: string, expected: string[]][] = [
  ['every night in UTC', '30 6 * * *', 'UTC', '2026-05-01T06:30Z', ['2026-05-02T06:30Z', '2026-05-03T06:30Z']],
  ['by a name', '@weekly', 'UTC', '2026-05-01T00:00Z', ['2026-05-03T00:00Z', '2026-05-10T00:00Z']],
  ['on weekdays', '0 9 * * MON-FRI', BERLIN, '2026-05-01T08:00Z', ['2026-05-04T07:00Z', '2026-05-05T07:00Z']],
  ['on the last day of a month', '0 0 L * *', 'UTC', '2028-02-01T00:00Z', ['2028-02-29T00:00Z', '2028-03-31T00:00Z']],
  ['years away', '0 0 * 2 1#5', 'America/New_York', '2026-11-27T00:00Z', ['2044-02-29T05:00Z', '2072-02-29T05:00Z']],
  ['leapt over a year later', '30 2 28 3 *', BERLIN, '2026-03-28T02:00Z', ['2027-03-28T01:00Z', '2028-03-28T00:30Z']],
  ['minutes of a day go on', '*/30 2 25 10 *', BERLIN, '2026-10-25T00:30Z', ['2026-10-25T01:00Z', '2026-10-25T01:30Z']],
  ['in a leap year', '0 0 29 2 *', 'UTC', '2026-01-01T00:00Z', ['2028-02-29T00:00Z', '2032-02-29T00:00Z']],
  ['leapt over: at the leap', '30 2 * * *', BERLIN, '2027-03-27T12:00Z', ['2027-03-28T01:00Z', '2027-03-29T00:30Z']],
  ['two leapt over: once', '15,45 2 * * *', BERLIN, '2027-03-27T12:00Z', ['2027-03-28T01:00Z', '2027-03-29T00:15Z']],
  ['leapt over at midnight', '30 0 * * *', 'Africa/Cairo', '2026-04-23T12:00Z', ['2026-04-23T22:00Z']],
  ['half an hour is leapt over', '15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T12:00Z', ['2026-10-03T15:30Z']],
  ['a day is leapt over', '0 12 30 * *', 'Pacific/Apia', '2011-12-29T12:00Z', ['2011-12-30T10:00Z']],
  ['twice shown: once', '30 2 * * *', BERLIN, '2026-10-24T12:00Z', ['2026-10-25T00:30Z', '2026-10-26T01:30Z']],
  ['twice shown, asked in between', '30 2 * * *', BERLIN, '2026-10-25T01:10Z', ['2026-10-26T01:30Z']],
  ['two of them twice shown', '0,30 2 * * *', BERLIN, '2026-10-25T00:00Z', ['2026-10-25T00:30Z', '2026-10-26T01:00Z']],
  ['every hour goes on', '0 * * * *', BERLIN, '2026-10-24T23:30Z', ['2026-10-25T00:00Z', '2026-10-25T01:00Z']],
  ['minutes go on', '*/30 2 * * *', BERLIN, '2026-10-25T00:30Z', ['2026-10-25T01:00Z', '2026-10-25T01:30Z']],
]

for (const [what, expression, zone, after, expected] of cases) {
  test(`${what}: ${expression} in ${zone}`, () => {
    const found = nextTimes(timesOf(expression, zone), new Date(after), expected.length)
    assert.deepEqual(
      found,
      expected.map((text) => new Date(text)),
    )
  })
}

test('around every change of a clock, the times are those that the minutes show one by one', () => {
  const property = fc.property(
    fields,
    fc.constantFrom(...CHANGES),
    fc.integer({ min: -40 * 60, max: 10 * 60 }),
    (wanted, [zone, change], offsetMinutes) => {
      const after = new Date(Date.parse(change) + offsetMinutes * 60_000)
      const upTo = new Date(after.getTime() + 48 * HOUR_MS)
      const expected = plannedTimes(wanted, zone, after, upTo)
      const times = timesOf(expressionOf(wanted), zone)
      const found = newestTimes(times, new Date(after.getTime() + 1), upTo, Number.POSITIVE_INFINITY)
      assert.deepEqual(found, expected, `${expressionOf(wanted)} in ${zone} after ${after.toISOString()}`)
      const newest = newestTimes(times, new Date(after.getTime() + 1), upTo, 3)
      assert.deepEqual(newest, expected.slice(-3))
    },
  )
  fc.assert(property, { numRuns: 20 })
})

const refused: [expression: string, zone: string, message: RegExp][] = [
  ['', 'UTC', /must be five fields/],
  ['* * * *', 'UTC', /must be five fields/],
  ['0 * * * * *', 'UTC', /must be five fields/],
  ['2027-01-01T00:00:00', 'UTC', /must be five fields/],
  ['? * * * *', 'UTC', /must be five fields/],
  ['@reboot', 'UTC', /must be five fields/],
  ['60 * * * *', 'UTC', /"60 \* \* \* \*" can't be read: .*60/],
  ['5-1 * * * *', 'UTC', /can't be read/],
  ['*/0 * * * *', 'UTC', /can't be read/],
  ['0 0 30 2 *', 'UTC', /never comes true/],
  ['0 0 * 2 1#5', 'UTC', /comes true at 2044-02-29T00:00:00\.000Z first; it must within 5 years/],
  ['0 0 * * *', 'Europe/Atlantis', /timeZone "Europe\/Atlantis" is not known/],
]
for (const [expression, zone, message] of refused) {
  test(`"${expression}" in ${zone} is refused`, () => {
    assert.throws(() => requireTimes(expression, zone, new Date('2026-11-27')), { kind: 'invalid', message })
  })
}

test('a time decades away is found without a look at the clock of every week until then', (t) => {
  const looked = t.mock.method(Intl.DateTimeFormat.prototype, 'formatToParts')
  for (const zone of ['America/New_York', BERLIN, 'UTC']) {
    const before = looked.mock.callCount()
    const times = timesOf('0 0 * 2 1#5', zone)
    assert.equal(looked.mock.callCount(), before, 'a stored expression is not looked for when it is read')
    assert.equal(times.after(new Date('2026-11-27'))?.getUTCFullYear(), 2044)
    const looks = looked.mock.callCount() - before
    assert.ok(looks > 0 && looks < 20, `${looks} looks`)
  }
})
