/** What devices report: taken in, and read back. */

import type { RangeQuery } from '../../contract/shapes.ts'
import type { DeviceState } from '../../contract/states.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { appendStates } from '../stores/telemetry/hot.ts'
import { type Ignored, prepareStates } from '../stores/telemetry/states.ts'
import type { Telemetry } from '../stores/telemetry/telemetry.ts'
import { getDevice } from './devices.ts'
import { rangeOf } from './time-range.ts'

/** Stores one state or several of a device; when it returns they are durable. Gives what was ignored. */
export async function sendStates(
  db: Queryable,
  applicationId: string,
  deviceId: string,
  states: DeviceState | readonly DeviceState[],
  rules: { maxAgeMs: number | undefined; now: Date },
): Promise<Ignored> {
  const device = await getDevice(db, applicationId, deviceId)
  const list = Array.isArray(states) ? states : [states]
  const { kept, ignored } = prepareStates(device.attributes, list, rules.now, rules.maxAgeMs)
  await appendStates(db, applicationId, deviceId, kept)
  return ignored
}

/**
 * The states of a device, newest first unless asked otherwise, one unless a limit up to 1,000 is given. A range is
 * `since`, or `start` and `end`, or `duration` milliseconds before `end`.
 */
export async function listStates(
  { db, telemetry }: { db: Queryable; telemetry: Telemetry },
  applicationId: string,
  deviceId: string,
  query: RangeQuery,
  now: Date,
): Promise<DeviceState[]> {
  await getDevice(db, applicationId, deviceId)
  const states = await telemetry.readStates({ applicationId, deviceId, ...rangeOf(query, now) })
  return states.map(({ ts, doc }) => ({ time: new Date(ts).toISOString(), data: doc }))
}
