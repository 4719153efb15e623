/**
 * Turns what a device reports into what is stored. Pure: rules of the original for time, type and age (behaviour
 * dossier §8.2). Never throws for a bad value: what can't be kept is left out and counted by its reason.
 *
 * The flag `keepDuplicates` of a device is kept and given back, and changes nothing here: nothing public says what the
 * original does with it, and reports of one device and millisecond are one state for every reader.
 */

import type { AttributeType, DeviceAttribute } from '../../../contract/devices.ts'
import type { DeviceState, IgnoredReason } from '../../../contract/states.ts'
import { parseMoment } from '../../ground/moments.ts'
import { parsePosition } from './position.ts'

export type StateValue = number | string | boolean

export interface StoredState {
  readonly ts: number
  readonly doc: Record<string, StateValue>
}

/** How many states and values were left out, by reason; a reason that did not occur is absent. */
export type Ignored = Partial<Record<IgnoredReason, number>>

/** UTF-8 bytes of a string (behaviour dossier §8.2). */
const MAX_STRING_BYTES = 64 * 1024
/** Base64 text; the largest message the original's broker takes is the most that a blob can be there. */
const MAX_BLOB_BYTES = 256 * 1024
/**
 * Texts of one state together: six times as long as JSON, if all of it is control characters, a report is still one that
 * sealing can read (reading.ts).
 */
const MAX_STATE_BYTES = 2 * 2 ** 20
const MAX_AHEAD_MS = 24 * 3_600_000

/**
 * The states worth storing, in the order given, and what was ignored: states more than a day ahead, states older than
 * `maxAgeMs`, values of attributes the device does not declare, values that are none of the attribute's type or too
 * long, alone or together, and states that no value is left of. A time that means none is now.
 */
export function prepareStates(
  attributes: readonly DeviceAttribute[],
  states: readonly DeviceState[],
  now: Date,
  maxAgeMs: number | undefined,
): { kept: StoredState[]; ignored: Ignored } {
  const types = new Map(attributes.map((attribute) => [attribute.name, attribute.dataType]))
  const earliest = maxAgeMs === undefined ? Number.NEGATIVE_INFINITY : now.getTime() - maxAgeMs
  const latest = now.getTime() + MAX_AHEAD_MS
  const kept: StoredState[] = []
  const ignored: Ignored = {}
  const ignore: Ignore = (reason) => {
    ignored[reason] = (ignored[reason] ?? 0) + 1
  }
  for (const state of states) {
    const moment = state.time === undefined ? now : (parseMoment(state.time, now) ?? now)
    const ts = moment.getTime()
    if (ts < earliest) ignore('tooOld')
    else if (ts > latest) ignore('tooFarAhead')
    else {
      const doc = keepDeclared(types, state.data, ignore)
      if (doc) kept.push({ ts, doc })
      else ignore('empty')
    }
  }
  return { kept, ignored }
}

type Ignore = (reason: IgnoredReason) => void

/** The values to store, undefined when there are none. */
function keepDeclared(
  types: ReadonlyMap<string, AttributeType>,
  data: DeviceState['data'],
  ignore: Ignore,
): Record<string, StateValue> | undefined {
  let doc: Record<string, StateValue> | undefined
  let bytes = 0
  for (const [name, value] of Object.entries(data)) {
    const type = types.get(name)
    const coerced = type === undefined ? 'undeclared' : coerce[type](value)
    if (typeof coerced === 'string') {
      ignore(coerced)
      continue
    }
    bytes += bytesOf(coerced.value)
    if (bytes > MAX_STATE_BYTES) ignore('tooLong')
    else {
      doc ??= {}
      // Assigned, it would become the prototype.
      if (name === '__proto__') Object.defineProperty(doc, name, { ...OWN, value: coerced.value })
      else doc[name] = coerced.value
    }
  }
  return doc
}

const bytesOf = (value: StateValue) => (typeof value === 'string' ? Buffer.byteLength(value) : 0)

const OWN = { enumerable: true, configurable: true, writable: true }

/** A value as it is stored, or why it is not. */
type Coerced = { readonly value: StateValue } | 'unfit' | 'tooLong'

const coerce: Record<AttributeType, (value: StateValue) => Coerced> = {
  number: toNumber,
  string: (value) => toText(value, MAX_STRING_BYTES),
  blob: (value) => toText(value, MAX_BLOB_BYTES),
  boolean: toBoolean,
  gps: toPosition,
}

function toNumber(value: StateValue): Coerced {
  if (typeof value === 'string' && value.trim() === '') return 'unfit'
  const number = Number(value)
  return Number.isFinite(number) ? { value: number } : 'unfit'
}

/** NUL is left out because PostgreSQL's text cannot hold it, a lone surrogate is replaced because UTF-8 cannot. */
function toText(value: StateValue, maxBytes: number): Coerced {
  const text = String(value).replaceAll('\u0000', '').toWellFormed()
  return Buffer.byteLength(text) <= maxBytes ? { value: text } : 'tooLong'
}

function toBoolean(value: StateValue): Coerced {
  if (typeof value === 'boolean') return { value }
  if (typeof value === 'number') return { value: value !== 0 }
  const word = value.trim().toLowerCase()
  if (word === 'true' || word === '1') return { value: true }
  if (word === 'false' || word === '0') return { value: false }
  return 'unfit'
}

function toPosition(value: StateValue): Coerced {
  const position = parsePosition(String(value))
  return position === undefined ? 'unfit' : { value: position }
}
