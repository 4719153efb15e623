/** The newest or the oldest states of one device, as documents. */

import { readHotStates } from './hot.ts'
import { type Readers, type Reading, readSlice } from './reading.ts'
import { cell, kindsOf, relationOf } from './relation.ts'
import { MAX_LIST_BYTES, tooLong } from './slice.ts'
import type { StateValue } from './states.ts'

export interface StatesWanted {
  readonly applicationId: string
  readonly deviceId: string
  /** Epoch ms, inclusive; undefined is open. */
  readonly from?: number | undefined
  /** Epoch ms, exclusive; undefined is open. */
  readonly to?: number | undefined
  readonly newestFirst: boolean
  readonly limit: number
}

export interface MergedState {
  readonly ts: number
  readonly doc: Record<string, StateValue>
}

/** Merged states, at most `limit`, in the order asked for. */
export async function readStates(readers: Readers, wanted: StatesWanted, signal: AbortSignal): Promise<MergedState[]> {
  let hot: MergedState[] = []
  const slice = { applicationId: wanted.applicationId, deviceIds: [wanted.deviceId], from: wanted.from, to: wanted.to }
  return readSlice(
    readers,
    slice,
    signal,
    async (tx, { segments, range }) => {
      hot = await readHotStates(tx, { ...wanted, ...range })
      return segments.length === 0 ? { value: hot } : undefined
    },
    async (reading) => combine(await readSealed(reading, wanted), hot, wanted),
  )
}

/** The same for what is sealed alone. */
async function readSealed(
  { duck, segments, view }: Reading,
  { deviceId, newestFirst, limit }: StatesWanted,
): Promise<MergedState[]> {
  const attributes = [...new Set(segments.flatMap(({ segment }) => segment.columns.map(({ attribute }) => attribute)))]
  const sources = { attributes, segments, tombstones: view.tombstones, hot: undefined }
  const relation = relationOf(sources, { ...view.range, deviceIds: [deviceId] })
  const cells = attributes.map((name, index) => ({
    name,
    cells: kindsOf(sources, index).map((kind) => cell(index, kind)),
  }))
  const present = cells.flatMap((one) => one.cells.map((name) => `${name} is not null`)).join(' or ')
  const first = `from (${relation}) where ${present} order by ts ${newestFirst ? 'desc' : 'asc'} limit ${limit}`
  // Sizes before texts: sorting the texts of a list that is refused anyway took more memory than there is.
  const [size] = await duck.rows<{ bytes: number | null }>(
    `select sum(bytes) as bytes from (select ts, ${sizeOf(cells)} as bytes ${first})`,
  )
  if ((size?.bytes ?? 0) > MAX_LIST_BYTES) throw tooLong()
  // Its columns are those of the relation: device_id, ts and cells.
  const rows = await duck.rows<Record<string, StateValue | null>>(`select * ${first}`)
  return rows.map((row) => {
    const values = cells.flatMap(({ name, cells: of }) =>
      of.flatMap((column): [string, StateValue][] => {
        const value = row[column]
        return value === null || value === undefined ? [] : [[name, value]]
      }),
    )
    return { ts: Number(row['ts']), doc: Object.fromEntries(values) }
  })
}

/** The bytes of the texts of a row; names and numbers are bounded by how many rows and attributes there can be. */
const sizeOf = (cells: readonly { readonly cells: readonly string[] }[]) =>
  cells.flatMap((one) => one.cells.map((name) => `coalesce(strlen(${name}::varchar), 0)`)).join(' + ')

/**
 * What is hot was reported later than what is sealed. The first states of both hold the first of the two together: one
 * that is among those is among the first of its own side.
 */
function combine(sealed: MergedState[], hot: MergedState[], { newestFirst, limit }: StatesWanted): MergedState[] {
  const docs = new Map(sealed.map(({ ts, doc }) => [ts, doc]))
  for (const { ts, doc } of hot) docs.set(ts, { ...docs.get(ts), ...doc })
  const states = [...docs].map(([ts, doc]) => ({ ts, doc }))
  return states.sort((a, b) => (newestFirst ? b.ts - a.ts : a.ts - b.ts)).slice(0, limit)
}
