/**
 * The states of a slice by device, then time: without sorting where the files are in that order already, and in parts
 * where what has to be sorted or merged does not fit in memory. Pure: text in, text out.
 */

import { cell, isPlain, kindsOf, type LocalSegment, relationOf, type Sources, type Wanted } from './relation.ts'
import { touches } from './segments.ts'

export interface Sorting {
  /** How many rows are merged and sorted at once. */
  readonly mostRows: number
  /** Up to so many that are wanted are sorted even where the files are in order. */
  readonly fewRows: number
}

/**
 * Two million rows with 11 attributes take some 300 MB. DuckDB puts a larger sort on disk, but a merge of ten million
 * in one piece did not fit in 512 MB. Few are sorted in a moment, and a list of devices, which costs the order, skips row
 * groups that a cast reads.
 */
const USUAL: Sorting = { mostRows: 2_000_000, fewRows: 500_000 }

/** Some of the devices of a slice, with all that may hold their states. */
export interface Part {
  readonly sources: Sources
  /** Sorted. */
  readonly deviceIds: readonly string[]
}

/**
 * Rows `device_id, ts` and cells, by device and time, of states that have any of the attributes. Files that a compaction
 * has divided between devices are read one after the other as they are, because each of them is sorted. (Sorted once
 * more, two million rows took 4.9 s of processor time instead of 2.9 s.)
 */
export function orderedRelation(sources: Sources, wanted: Wanted, { fewRows } = USUAL): string {
  const present = sources.attributes.flatMap((_, index) => kindsOf(sources, index).map((kind) => cell(index, kind)))
  const condition = present.length > 0 ? present.map((name) => `${name} is not null`).join(' or ') : 'false'
  const segments = inOrder(sources)
  if (segments && wantedRows(segments, wanted) > fewRows) {
    return `select * from (${relationOf({ ...sources, segments }, { ...wanted, asInFiles: true })}) where ${condition}`
  }
  return `select * from (${relationOf(sources, wanted)}) where ${condition} order by device_id, ts`
}

/** The segments in the order of their devices, when there is nothing to merge and no device is in two of them. */
export function inOrder(sources: Sources): readonly LocalSegment[] | undefined {
  if (!isPlain(sources)) return undefined
  const sorted = sources.segments.toSorted((a, b) => (a.segment.firstDevice < b.segment.firstDevice ? -1 : 1))
  const follows = ({ segment }: LocalSegment, index: number) => {
    const before = sorted[index - 1]?.segment
    return before === undefined || before.lastDevice < segment.firstDevice
  }
  return sorted.every(follows) ? sorted : undefined
}

/**
 * The slice divided between devices, in their order: one part when nothing has to be sorted or no more than `mostRows`
 * are; otherwise as many as keep each below that, as if every row were wanted and devices had alike many.
 */
export function partsOf(sources: Sources, deviceIds: readonly string[], { mostRows } = USUAL): Part[] {
  const parts = inOrder(sources) ? 1 : Math.min(deviceIds.length, Math.ceil(rowsIn(sources) / mostRows))
  if (parts <= 1) return [{ sources, deviceIds }]
  return Array.from({ length: parts }, (_, index) => {
    const of = deviceIds.slice(
      Math.floor((index * deviceIds.length) / parts),
      Math.floor(((index + 1) * deviceIds.length) / parts),
    )
    return { sources: narrowed(sources, of), deviceIds: of }
  })
}

/** About how many rows of files are wanted, as if all devices of a file had alike many, evenly over its time. */
function wantedRows(segments: readonly LocalSegment[], { deviceIds, from, to }: Wanted): number {
  return segments.reduce((sum, { segment }) => {
    const { rows, devices, firstDevice, lastDevice, minTs, maxTs } = segment
    const ofDevices = deviceIds
      ? Math.min(1, (placeAfter(deviceIds, lastDevice) - placeAfter(deviceIds, firstDevice) + 1) / devices)
      : 1
    const ofTime = Math.max(0, Math.min(to, maxTs + 1) - Math.max(from, minTs)) / (maxTs + 1 - minTs)
    return sum + rows * ofDevices * ofTime
  }, 0)
}

/** How many of the sorted ids are not greater than `id`. */
function placeAfter(ids: readonly string[], id: string): number {
  let [low, high] = [0, ids.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ids[middle] ?? '') <= id) low = middle + 1
    else high = middle
  }
  return low
}

const rowsIn = ({ segments, hot }: Sources) => segments.reduce((sum, { segment }) => sum + segment.rows, hot?.rows ?? 0)

/** What may hold states of some devices, at least one. */
function narrowed(sources: Sources, deviceIds: readonly string[]): Sources {
  const [first = '', last = ''] = [deviceIds[0], deviceIds.at(-1)]
  const { hot } = sources
  const segments = sources.segments.filter(({ segment }) => segment.firstDevice <= last && segment.lastDevice >= first)
  return {
    ...sources,
    segments,
    tombstones: sources.tombstones.filter((one) => segments.some(({ segment }) => touches(one, segment))),
    hot: hot && hot.firstDevice <= last && hot.lastDevice >= first ? hot : undefined,
  }
}
