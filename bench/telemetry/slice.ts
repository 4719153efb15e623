/**
 * What a slice of fixed size costs while the history around it grows tenfold: ten devices, a thousand times, three
 * attributes, out of the middle of one and of ten million rows.
 */

import { join } from 'node:path'
import { createGate } from '../idle.ts'
import { type Contestant, interleave } from '../measure.ts'
import type { BenchOptions } from '../options.ts'
import { atMost, type Report } from '../report.ts'
import { newId } from '../store.ts'
import { COMMON, type Fleet, makeFleet } from './fleet.ts'
import { type History, openHistory } from './history.ts'

const ROWS = 10_000_000
const DEVICES = 1000
const TIMES_SMALLER = 10
const PARTS = 10
const SLICE_DEVICES = 10
const SLICE_STEPS = 1000
const ROUNDS = 15
const MOST_TIMES = 1.3

/** `rows` is the number of rows of the larger history. */
export async function benchSlice(options: BenchOptions): Promise<Report> {
  const steps = Math.max(PARTS * TIMES_SMALLER, Math.round((options.rows ?? ROWS) / DEVICES))
  await using history = await openHistory()
  const small = await fill(history, makeFleet(DEVICES, 2), Math.round(steps / TIMES_SMALLER))
  const large = await fill(history, makeFleet(DEVICES, 3), steps)
  const contestants = [...contestantsOf(history, 'small', small), ...contestantsOf(history, 'large', large)]
  const gate = createGate()
  const found = await interleave(contestants, options.rounds ?? ROUNDS, gate.pass)
  const ms = (name: string) => found.find((row) => row.name === name)?.medianMs ?? Number.NaN
  return {
    name: 'slice',
    says: `${SLICE_DEVICES} devices × ${Math.min(SLICE_STEPS, small.steps)} times, ${COMMON.length} attributes, as CSV, of ${DEVICES} devices × ${small.steps} times (small) and × ${large.steps} times (large)`,
    tables: [
      {
        head: ['', 'median, ms', 'min', 'max'],
        rows: found.map(({ name, medianMs, minMs, maxMs }) => [name, medianMs, minMs, maxMs]),
      },
    ],
    bars: WHERE.map(({ name }) =>
      atMost(`${name}: times of the small history`, ms(`large, ${name}`) / ms(`small, ${name}`), MOST_TIMES, '×'),
    ),
    notes: [
      `The small history: ${await history.describe(small.applicationId)}`,
      `The large history: ${await history.describe(large.applicationId)}`,
      gate.told,
    ],
  }
}

interface Filled {
  readonly fleet: Fleet
  readonly applicationId: string
  readonly steps: number
}

/** An application of its own in the same store, sealed in ten parts. */
async function fill(history: History, fleet: Fleet, steps: number): Promise<Filled> {
  const { store } = history
  const applicationId = newId()
  await store.db.query(
    `insert into applications (id, owner_id, name) select $1, owner_id, 'bench' from applications where id = $2`,
    [applicationId, store.applicationId],
  )
  for (let part = 0; part < PARTS; part++) {
    const range = { from: Math.floor((part * steps) / PARTS), to: Math.floor(((part + 1) * steps) / PARTS) }
    await history.report(fleet, applicationId, range)
    await history.seal(applicationId)
    process.stderr.write(`\rfilled ${part + 1} of ${PARTS} parts of ${steps} steps${part + 1 === PARTS ? '\n' : ''}`)
  }
  return { fleet, applicationId, steps }
}

/** Where in the history the slice lies. */
const WHERE = [
  { name: 'the newest', startOf: (steps: number) => steps - SLICE_STEPS },
  { name: 'the middle', startOf: (steps: number) => (steps - SLICE_STEPS) / 2 },
  { name: 'the oldest', startOf: () => 0 },
]

function contestantsOf(history: History, size: string, { fleet, applicationId, steps }: Filled): Contestant[] {
  const file = join(history.store.folder, 'slice.csv')
  const deviceIds = fleet.deviceIds.filter((_, device) => device % (DEVICES / SLICE_DEVICES) === 7)
  return WHERE.map(({ name, startOf }) => ({
    name: `${size}, ${name}`,
    run: async () => {
      const start = Math.max(0, Math.floor(startOf(steps)))
      const slice = { deviceIds, attributes: COMMON, from: start, to: Math.min(steps, start + SLICE_STEPS) }
      const from = performance.now()
      await history.export(fleet, applicationId, slice, file)
      return performance.now() - from
    },
  }))
}
