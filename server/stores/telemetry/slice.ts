/** Which states are wanted, and how values are told apart: what every reader of telemetry is given. */

import { invalid } from '../../ground/errors.ts'

/** What a value can be. GPS positions and blobs are texts. */
export type Kind = 'number' | 'text' | 'boolean'
export const KINDS: readonly Kind[] = ['number', 'text', 'boolean']

export interface Slice {
  readonly applicationId: string
  readonly deviceIds: readonly string[]
  /** In the order wanted; states that have none of them are left out. At most 1,500. */
  readonly attributes: readonly string[]
  /** Epoch ms, inclusive; undefined is open. */
  readonly from?: number | undefined
  /** Epoch ms, exclusive; undefined is open. */
  readonly to?: number | undefined
}

export interface StatesExport extends Slice {
  /** Parquet has typed columns, CSV has the texts of the same values. csv unless given. */
  readonly format?: 'csv' | 'parquet'
  /** Of CSV, which columns stand before the attributes; `ID` and `Timestamp` unless said otherwise. */
  readonly leading?: LeadingColumns
}

export interface LeadingColumns {
  readonly id: boolean
  /** `ISO Date`, after the timestamp: the same moment as text, in UTC. */
  readonly date: boolean
}

export const USUAL_LEADING: LeadingColumns = { id: true, date: false }

export interface TimeRange {
  /** Epoch ms, inclusive. */
  readonly from: number
  /** Epoch ms, exclusive. */
  readonly to: number
}

/** Times are whole milliseconds within what a JavaScript number holds exactly, ten times what a date can be. */
const FARTHEST = Number.MAX_SAFE_INTEGER - 1

/** The range as whole milliseconds. */
export function rangeOf({ from, to }: Pick<Slice, 'from' | 'to'>): TimeRange {
  const whole = (bound: number) => Math.max(-FARTHEST, Math.min(FARTHEST, Math.ceil(bound)))
  return { from: whole(from ?? -FARTHEST), to: whole(to ?? FARTHEST) }
}

/** What a list of states or connections is asked for. */
export interface StateRange {
  /** Epoch ms, inclusive; undefined is open. */
  readonly from: number | undefined
  /** Epoch ms, exclusive; undefined is open. */
  readonly to: number | undefined
  readonly newestFirst: boolean
  readonly limit: number
}

/** A list of states is held in memory as a whole, and a state may be as long as a request. */
export const MAX_LIST_BYTES = 16 * 2 ** 20

/** Cause: states that are together longer than a list may be. Handled by: the caller asks for fewer. */
export const tooLong = () =>
  invalid(`These states are more than ${MAX_LIST_BYTES / 2 ** 20} MiB; ask for fewer by limit, or for a shorter range`)
