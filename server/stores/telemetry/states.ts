/**
 * Turns what a device reports into what is stored. Pure: rules of the original for time, type and age (behaviour
 * dossier §8.2). Never throws for a bad value: what can't be kept is left out and counted.
 */

import type { AttributeType, DeviceAttribute } from '../../../contract/devices.ts'
import type { DeviceState } from '../../../contract/states.ts'
import { parseMoment } from '../../ground/moments.ts'

export type StateValue = number | string | boolean

export interface StoredState {
  readonly ts: number
  readonly doc: Record<string, StateValue>
}

const MAX_STRING_BYTES = 64 * 1024
const MAX_AHEAD_MS = 24 * 3_600_000

/**
 * The states worth storing, in the order given, and how many were ignored: those more than a day ahead, those older
 * than `maxAgeMs`, and those without any attribute the device declares.
 */
export function prepareStates(
  attributes: readonly DeviceAttribute[],
  states: readonly DeviceState[],
  now: Date,
  maxAgeMs: number | undefined,
): { kept: StoredState[]; ignored: number } {
  const types = new Map(attributes.map((attribute) => [attribute.name, attribute.dataType]))
  const earliest = maxAgeMs === undefined ? Number.NEGATIVE_INFINITY : now.getTime() - maxAgeMs
  const latest = now.getTime() + MAX_AHEAD_MS
  const kept: StoredState[] = []
  for (const state of states) {
    const moment = state.time === undefined ? now : (parseMoment(state.time, now) ?? now)
    const ts = moment.getTime()
    const doc = keepDeclared(types, state.data)
    if (ts >= earliest && ts <= latest && Object.keys(doc).length > 0) kept.push({ ts, doc })
  }
  return { kept, ignored: states.length - kept.length }
}

function keepDeclared(types: Map<string, AttributeType>, data: DeviceState['data']): Record<string, StateValue> {
  const kept = Object.entries(data).flatMap(([name, value]): [string, StateValue][] => {
    const type = types.get(name)
    const coerced = type && coerce[type](value)
    return coerced === undefined ? [] : [[name, coerced]]
  })
  // Not by assignment: one to "__proto__" would be lost.
  return Object.fromEntries(kept)
}

const coerce: Record<AttributeType, (value: StateValue) => StateValue | undefined> = {
  number: toNumber,
  string: toText,
  blob: toText,
  boolean: toBoolean,
  gps: toPosition,
}

function toNumber(value: StateValue): number | undefined {
  if (typeof value === 'string' && value.trim() === '') return undefined
  const number = Number(value)
  return Number.isFinite(number) ? number : undefined
}

/** NUL is left out because PostgreSQL's text cannot hold it, a lone surrogate is replaced because UTF-8 cannot. */
function toText(value: StateValue): string | undefined {
  const text = String(value).replaceAll('\u0000', '').toWellFormed()
  return Buffer.byteLength(text) <= MAX_STRING_BYTES ? text : undefined
}

function toBoolean(value: StateValue): boolean | undefined {
  if (typeof value === 'boolean') return value
  if (typeof value === 'number') return value !== 0
  const word = value.trim().toLowerCase()
  if (word === 'true' || word === '1') return true
  if (word === 'false' || word === '0') return false
  return undefined
}

const DECIMAL_PAIR = /^\s*([+-]?\d+(?:\.\d+)?)\s*,\s*([+-]?\d+(?:\.\d+)?)\s*$/

/** Decimal degrees as `lat,lon`; other notations are not understood yet and ignored. */
function toPosition(value: StateValue): string | undefined {
  const match = DECIMAL_PAIR.exec(String(value))
  const [latitude, longitude] = [Number(match?.[1]), Number(match?.[2])]
  return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 ? `${latitude},${longitude}` : undefined
}
