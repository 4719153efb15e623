/** What devices report: taken in, and read back. */

import type { DeviceAttribute } from '../../contract/devices.ts'
import type { RangeQuery } from '../../contract/shapes.ts'
import type { DeviceState } from '../../contract/states.ts'
import { notFound, unavailable } from '../ground/errors.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { appendUnlessChanged } from '../stores/telemetry/hot.ts'
import { type Ignored, prepareStates } from '../stores/telemetry/states.ts'
import type { Telemetry } from '../stores/telemetry/telemetry.ts'
import { getDevice } from './devices.ts'
import { rangeOf } from './time-range.ts'

export interface IngestRules {
  /** States older than this are ignored; undefined takes any age. */
  readonly maxAgeMs: number | undefined
  readonly now: Date
}

/** How often a report is begun anew because its device was changed meanwhile; more than once is rare. */
const MAX_TRIES = 10

/**
 * Stores one state or several of a device; when it returns they are durable. Gives what was ignored. The device is read
 * first, and what is stored is stored by the very version that was read: nothing by rules that no longer hold. (A
 * transaction around both would do the same in twice as many exchanges with the database, which are a third of the time.)
 * @throws notFound
 */
export async function sendStates(
  db: Queryable,
  applicationId: string,
  deviceId: string,
  states: DeviceState | readonly DeviceState[],
  rules: IngestRules,
): Promise<Ignored> {
  const list = Array.isArray(states) ? states : [states]
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const device = await db.one<{ attributes: DeviceAttribute[]; version: string }>(
      `select attributes, xmin::text as version from devices
       where id = $1 and application_id = $2 and deleted_at is null`,
      [deviceId, applicationId],
    )
    if (!device) throw notFound('Device')
    const { kept, ignored } = prepareStates(device.attributes, list, rules.now, rules.maxAgeMs)
    const seen = { id: deviceId, version: device.version }
    if (kept.length === 0 || (await appendUnlessChanged(db, applicationId, seen, kept))) return ignored
  }
  throw unavailable('The device is being changed all the time; try again')
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
