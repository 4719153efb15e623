/**
 * The history of a fleet as CSV: all of it, and a tenth of the devices with three attributes; as ours writes it (merged,
 * by device and time, from sealed segments), beside DuckDB alone on one flat table, which writes rows as they come, and
 * beside PostgreSQL's COPY from the same rows as they were hot. And what memory ours takes for it.
 */

import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { createGate } from '../idle.ts'
import { type Contestant, interleave, type Timed } from '../measure.ts'
import type { BenchOptions } from '../options.ts'
import { type Peak, peakWhile } from '../processes.ts'
import { atLeast, atMost, type Report } from '../report.ts'
import { ATTRIBUTES, COMMON, type Fleet, makeFleet } from './fleet.ts'
import { type History, openHistory, type Slice, THREADS } from './history.ts'
import { copyFromHotPeer, copyHotRows, finishHotPeer, type HotWay, makeHotPeer } from './hot-peer.ts'
import { type Native, openNative } from './native.ts'

const ROWS = 10_000_000
const DEVICES = 1000
const ROUNDS = 3
/** The history is sealed in so many parts, as it would be while it grows. */
const PARTS = 10
/** Every tenth of the devices, wherever its id lies. */
const ONE_IN = 10
const MOST_MB = 1.2 * 1024

interface Data {
  readonly history: History
  readonly native: Native
  readonly fleet: Fleet
  readonly steps: number
}

/** `rows` is the number of rows of the whole history. */
export async function benchExport(options: BenchOptions): Promise<Report> {
  const steps = Math.max(PARTS, Math.round((options.rows ?? ROWS) / DEVICES))
  await using history = await openHistory()
  await using native = await openNative(join(history.store.folder, 'flat.duckdb'), THREADS)
  const data = { history, native, fleet: makeFleet(DEVICES, 1), steps }
  const from = performance.now()
  await fill(data)
  const filledS = (performance.now() - from) / 1000
  await requireSame(data)
  const gate = createGate()
  const found = await interleave(contestantsOf(data), options.rounds ?? ROUNDS, gate.pass)
  const peak = await peakWhile(history.processes, () => ours(data, whole(data), 'memory.csv'))
  return report(data, found, peak, [
    `Filled and sealed in ${Math.round(filledS)} s: ${await history.describe(history.store.applicationId)}`,
    gate.told,
  ])
}

async function fill({ history, native, fleet, steps }: Data): Promise<void> {
  const { store } = history
  const flat = join(store.folder, 'flat.csv')
  await makeHotPeer(store)
  for (let part = 0; part < PARTS; part++) {
    const range = { from: Math.floor((part * steps) / PARTS), to: Math.floor(((part + 1) * steps) / PARTS) }
    await history.report(fleet, store.applicationId, range, flat)
    await native.load(flat)
    await copyHotRows(store)
    await history.seal(store.applicationId)
    process.stderr.write(`\rfilled ${part + 1} of ${PARTS}${part + 1 === PARTS ? '\n' : ''}`)
  }
  await rm(flat)
  await finishHotPeer(store)
}

const whole = ({ fleet, steps }: Data): Slice => ({
  deviceIds: fleet.deviceIds,
  attributes: ATTRIBUTES.map(({ name }) => name),
  from: 0,
  to: steps,
})

const tenth = ({ fleet, steps }: Data): Slice => ({
  deviceIds: fleet.deviceIds.filter((_, device) => device % ONE_IN === 3),
  attributes: COMMON,
  from: 0,
  to: steps,
})

function contestantsOf(data: Data): Contestant[] {
  const hot = (way: HotWay) =>
    copyFromHotPeer(data.history.store, tenth(data), way, join(data.history.store.folder, 'hot.csv'))
  return [
    {
      name: 'all, DuckDB alone',
      run: () => timed(() => data.native.copy(join(data.history.store.folder, 'native.csv'))),
    },
    { name: 'all, ours', run: () => timed(() => ours(data, whole(data), 'all.csv')) },
    {
      name: 'tenth, DuckDB alone',
      run: () => timed(() => data.native.copy(join(data.history.store.folder, 'native-tenth.csv'), tenth(data))),
    },
    { name: 'tenth, ours', run: () => timed(() => ours(data, tenth(data), 'tenth.csv')) },
    { name: 'tenth, PostgreSQL, as the rows come', run: () => timed(() => hot('plain')) },
    { name: 'tenth, PostgreSQL, by device and time', run: () => timed(() => hot('ordered')) },
    { name: 'tenth, PostgreSQL, merged, by device and time', run: () => timed(() => hot('merged')) },
  ]
}

async function timed(work: () => Promise<void>): Promise<number> {
  const from = performance.now()
  await work()
  return performance.now() - from
}

const ours = ({ history, fleet }: Data, slice: Slice, file: string) =>
  history.export(fleet, history.store.applicationId, slice, join(history.store.folder, file))

/** Ours and the peer write the same rows with the same values. @throws when they do not */
async function requireSame(data: Data): Promise<void> {
  const { native } = data
  for (const slice of [whole(data), tenth(data)]) {
    const [mine, theirs] = ['mine.csv', 'theirs.csv'].map((name) => join(data.history.store.folder, name))
    if (mine === undefined || theirs === undefined) continue
    await ours(data, slice, 'mine.csv')
    await native.copy(theirs, slice)
    const contents = [await native.contentOf(mine, slice.attributes), await native.contentOf(theirs, slice.attributes)]
    if (contents[0] !== contents[1]) throw new Error(`ours has ${contents[0]}, the peer ${contents[1]}`)
    await Promise.all([rm(mine), rm(theirs)])
  }
}

async function report(data: Data, found: readonly Timed[], peak: Peak, notes: string[]): Promise<Report> {
  const { history, fleet, steps } = data
  const ms = (name: string) => found.find((row) => row.name === name)?.medianMs ?? Number.NaN
  const rows = (name: string) => (fleet.deviceIds.length * steps) / (name.startsWith('tenth') ? ONE_IN : 1)
  const megabytes = (await stat(join(history.store.folder, 'all.csv'))).size / 1e6
  return {
    name: 'export',
    says: `${fleet.deviceIds.length} devices × ${steps} times, ${ATTRIBUTES.length} attributes over 4 classes, 1 value of 10 missing, ${Math.round(megabytes)} MB of CSV; tenth: ${fleet.deviceIds.length / ONE_IN} of the devices, ${COMMON.length} attributes`,
    tables: [
      {
        head: ['', 'median, ms', 'min', 'max', 'Mrows/s'],
        rows: found.map((row) => [row.name, row.medianMs, row.minMs, row.maxMs, rows(row.name) / row.medianMs / 1000]),
      },
      {
        head: ['memory at the peak of ours, all', 'MB (PSS)'],
        rows: [...Object.entries(peak.groups), ['together', peak.sumMb]],
      },
    ],
    bars: [
      atLeast('all, times DuckDB alone', ms('all, DuckDB alone') / ms('all, ours'), 0.7, '×'),
      atMost('memory of all our processes', peak.sumMb, MOST_MB, 'MB'),
      atLeast('tenth, times DuckDB alone', ms('tenth, DuckDB alone') / ms('tenth, ours'), 0.45, '×'),
      atLeast(
        'tenth, times PostgreSQL as the rows come',
        ms('tenth, PostgreSQL, as the rows come') / ms('tenth, ours'),
        2,
        '×',
      ),
    ],
    notes: [
      `Ours and DuckDB alone have ${THREADS} threads each. Before the rounds both files were read back and had the same rows and values.`,
      'Memory: the most that Node, DuckDB and PostgreSQL took together in one more export of all, looked at every 50 ms.',
      ...notes,
    ],
  }
}
