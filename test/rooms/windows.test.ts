/** Windows of backfills: by the calendar of a time zone, by the clock, and what is refused. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { windowEnds } from '../../server/executions/windows.ts'
import { openTestDatabase } from '../support/postgres.ts'

/** What is asked for, then where windows end. */
const CASES: [what: string, start: string, end: string, window: string, timeZone: string, ends: string[]][] = [
  [
    'days in a zone are 23 and 25 hours where clocks are changed',
    '2026-03-28T00:00+01:00',
    '2026-03-31T00:00+02:00',
    'P1D',
    'Europe/Berlin',
    ['2026-03-28T23:00:00.000Z', '2026-03-29T22:00:00.000Z', '2026-03-30T22:00:00.000Z'],
  ],
  [
    'hours are those of a clock that is never changed',
    '2026-10-25T00:00Z',
    '2026-10-25T03:00Z',
    'PT1H',
    'Europe/Berlin',
    ['2026-10-25T01:00:00.000Z', '2026-10-25T02:00:00.000Z', '2026-10-25T03:00:00.000Z'],
  ],
  [
    'months are counted from the start, each by itself',
    '2024-01-31T00:00Z',
    '2024-04-30T00:00Z',
    'P1M',
    'UTC',
    ['2024-02-29T00:00:00.000Z', '2024-03-31T00:00:00.000Z', '2024-04-30T00:00:00.000Z'],
  ],
  [
    'a year from a leap day on ends on the 28th',
    '2024-02-29T00:00Z',
    '2025-02-28T00:00Z',
    'P1Y',
    'utc',
    ['2025-02-28T00:00:00.000Z'],
  ],
  ['several weeks in one', '2026-01-05T00:00Z', '2026-01-19T00:00Z', 'P2W', 'UTC', ['2026-01-19T00:00:00.000Z']],
  [
    'minutes',
    '2026-01-05T00:00Z',
    '2026-01-05T00:45Z',
    'PT15M',
    'UTC',
    ['2026-01-05T00:15:00.000Z', '2026-01-05T00:30:00.000Z', '2026-01-05T00:45:00.000Z'],
  ],
]

const REFUSED: [start: string, end: string, window: string, timeZone: string, message: RegExp][] = [
  ['2026-01-02', '2026-01-01', 'P1D', 'UTC', /^backfill\.end must be later than backfill\.start$/],
  ['2026-01-01', '2026-01-01', 'P1D', 'UTC', /^backfill\.end must be later than backfill\.start$/],
  ['2026-01-01', '2026-01-03', 'P1D', 'Mars/Olympus', /^backfill\.timeZone "Mars\/Olympus" is not known/],
  [
    '2026-01-01',
    '2026-02-15',
    'P1M',
    'UTC',
    /^backfill\.end must be where a window ends: 2026-02-01T00:00:00\.000Z or 2026-03-01T00:00:00\.000Z$/,
  ],
  ['2026-01-01', '2026-01-15', 'P1M', 'UTC', /^backfill\.end must be where a window ends: 2026-02-01T00:00:00\.000Z$/],
  ['2026-01-01', '2026-01-03', 'P1D', '+01:00', /^backfill\.timeZone "\+01:00" is not known/],
  [
    '2026-01-01',
    '2026-02-01',
    'P300Y',
    'UTC',
    /^backfill\.end must be where a window ends: 2326-01-01T00:00:00\.000Z$/,
  ],
  ['2026-01-01', '2026-02-01', 'P9999M', 'UTC', /^backfill\.end must be where a window ends: 2859-04-01T/],
  ['0001-01-01', '2026-02-01', 'P9999Y', 'Asia/Tokyo', /^backfill\.end must be where a window ends: \+010000-01-01T/],
  ['0001-01-01', '2026-02-01', 'P9999W', 'UTC', /^backfill\.end must be where .* or 2108-12-24T/],
  [
    '2023-01-01',
    '2026-01-01',
    'P1D',
    'UTC',
    /more than 1000 windows of P1D.* 2025-09-27T00:00:00\.000Z at the latest$/,
  ],
]

test('windows end where the calendar or the clock says', async (t) => {
  const db = await openTestDatabase(t)
  await db.query(`set timezone = 'Pacific/Apia'`)
  for (const [what, start, end, window, timeZone, expected] of CASES) {
    const ends = await windowEnds(db, { start: new Date(start), end: new Date(end), window, timeZone })
    assert.deepEqual(
      ends.map((moment) => moment.toISOString()),
      expected,
      what,
    )
  }
})

test('a range that can not be cut into windows is refused in words', async (t) => {
  const db = await openTestDatabase(t)
  for (const [start, end, window, timeZone, message] of REFUSED) {
    const range = { start: new Date(start), end: new Date(end), window, timeZone }
    await assert.rejects(windowEnds(db, range), { kind: 'invalid', message })
  }
  const range = { start: new Date('2023-01-01'), end: new Date('2025-09-27'), window: 'P1D', timeZone: 'UTC' }
  assert.equal((await windowEnds(db, range)).length, 1000)
})
