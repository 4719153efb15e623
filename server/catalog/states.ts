/** What devices report: taken in, and read back. */

import type { DeviceState } from '../../contract/states.ts'
import { invalid } from '../ground/errors.ts'
import { readMoment } from '../ground/moments.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { appendStates, readStates, type StateRange } from '../stores/telemetry/hot.ts'
import { prepareStates } from '../stores/telemetry/states.ts'
import { getDevice } from './devices.ts'
import { directionOf, wholeNumber } from './listing.ts'

/** Stores one state or several of a device; when it returns they are durable. Gives how many were kept and ignored. */
export async function sendStates(
  db: Queryable,
  applicationId: string,
  deviceId: string,
  states: DeviceState | readonly DeviceState[],
  rules: { maxAgeMs: number | undefined; now: Date },
): Promise<{ kept: number; ignored: number }> {
  const device = await getDevice(db, applicationId, deviceId)
  const list = Array.isArray(states) ? states : [states]
  const { kept, ignored } = prepareStates(device.attributes, list, rules.now, rules.maxAgeMs)
  await appendStates(db, applicationId, deviceId, kept)
  return { kept: kept.length, ignored }
}

export interface StatesQuery {
  readonly limit?: string
  readonly since?: string
  readonly start?: string
  readonly end?: string
  readonly duration?: string
  readonly sortDirection?: string
}

const MAX_STATES = 1000
/** Ten thousand years. */
const MAX_DURATION_MS = 1e4 * 31_556_952_000

/**
 * The states of a device, newest first unless asked otherwise, one unless a limit up to 1,000 is given. A range is
 * `since`, or `start` and `end`, or `duration` milliseconds before `end`.
 */
export async function listStates(
  db: Queryable,
  applicationId: string,
  deviceId: string,
  query: StatesQuery,
  now: Date,
): Promise<DeviceState[]> {
  await getDevice(db, applicationId, deviceId)
  const states = await readStates(db, deviceId, rangeOf(query, now))
  return states.map(({ ts, doc }) => ({ time: new Date(ts).toISOString(), data: doc }))
}

function rangeOf(query: StatesQuery, now: Date): StateRange {
  const end = momentOf('end', query.end, now)
  const start = momentOf('since', query.since, now) ?? momentOf('start', query.start, now)
  const duration = query.duration ? Number(query.duration) : undefined
  if (duration !== undefined && !(Number.isInteger(duration) && duration >= 0 && duration <= MAX_DURATION_MS)) {
    throw invalid('duration must be a whole number of milliseconds')
  }
  return {
    from: start ?? (duration === undefined ? undefined : (end ?? now.getTime()) - duration),
    to: end === undefined ? undefined : end + 1,
    newestFirst: directionOf(query.sortDirection, 'desc') === 'desc',
    limit: wholeNumber(query.limit, 1, 1, MAX_STATES),
  }
}

/** 0 is now, and 1 the beginning: the convention of the original for times in query parameters. */
function momentOf(field: string, text: string | undefined, now: Date): number | undefined {
  return (text === '0' ? now : readMoment(field, text, now))?.getTime()
}
