/** What devices report: taken in, and read back. */

import type { DeviceAttribute } from '../../contract/devices.ts'
import type { RangeQuery } from '../../contract/shapes.ts'
import type { DeviceState } from '../../contract/states.ts'
import { notFound } from '../ground/errors.ts'
import type { Database, Queryable } from '../stores/postgres/database.ts'
import { appendStates } from '../stores/telemetry/hot.ts'
import { type Ignored, prepareStates } from '../stores/telemetry/states.ts'
import type { Telemetry } from '../stores/telemetry/telemetry.ts'
import { getDevice } from './devices.ts'
import { rangeOf } from './time-range.ts'

export interface IngestRules {
  /** States older than this are ignored; undefined takes any age. */
  readonly maxAgeMs: number | undefined
  readonly now: Date
}

/**
 * Stores one state or several of a device; when it returns they are durable. Gives what was ignored.
 *
 * The device is read in the transaction that stores, under a lock that whoever changes or deletes it waits for: nothing
 * is stored by rules that no longer hold, and what a change forgets does not come back from a report that was under way.
 * @throws notFound
 */
export async function sendStates(
  db: Database,
  applicationId: string,
  deviceId: string,
  states: DeviceState | readonly DeviceState[],
  rules: IngestRules,
): Promise<Ignored> {
  const list = Array.isArray(states) ? states : [states]
  return db.transaction(async (tx) => {
    const device = await tx.one<{ attributes: DeviceAttribute[] }>(
      'select attributes from devices where id = $1 and application_id = $2 and deleted_at is null for share',
      [deviceId, applicationId],
    )
    if (!device) throw notFound('Device')
    const { kept, ignored } = prepareStates(device.attributes, list, rules.now, rules.maxAgeMs)
    await appendStates(tx, applicationId, deviceId, kept)
    return ignored
  })
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
