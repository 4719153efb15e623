/** The job that removes what devices reported: states, or some attributes of them, and their connection logs. */

import type { JobWork } from '../jobs/work.ts'
import type { Database } from '../stores/postgres/database.ts'
import { forgetConnections } from '../stores/telemetry/connections.ts'
import { forgetAttributesOf } from '../stores/telemetry/forget-attributes.ts'
import type { Telemetry } from '../stores/telemetry/telemetry.ts'
import { chosenDevices, type DeviceSelection } from './device-choice.ts'
import { lockFamilies } from './device-family.ts'

/** What is to be removed, with the bounds resolved when it was asked for: epoch ms, the start 1 for the beginning. */
export interface DataRemoval extends DeviceSelection {
  readonly start: number
  /** Not included. */
  readonly end: number
  /** Only what was reported of these; all when there are none. */
  readonly attributes?: readonly string[] | null
  readonly keepConnectionHistory: boolean
}

/** Each batch is a transaction, so that nobody waits long for one. */
const BATCH = 200

/** The work of a removal. Done twice it is what it was done once, but for what was reported in between. */
export const removeData =
  ({ db, telemetry }: { db: Database; telemetry: Telemetry }): JobWork =>
  async ({ applicationId, input }, { signal, progress }) => {
    // As the request was checked before it was queued.
    const wanted = input as unknown as DataRemoval
    const range = { ...(wanted.start === 1 ? {} : { from: wanted.start }), to: wanted.end }
    const values: unknown[] = []
    const { deviceQuery: query, deviceIds } = wanted
    const chosen = chosenDevices(applicationId, { query, deviceIds }, values, 'options.query')
    const devices = await db.query<{ id: string }>(`select id from devices where ${chosen} order by id`, values)
    for (let from = 0; from < devices.length; from += BATCH) {
      signal.throwIfAborted()
      const ids = devices.slice(from, from + BATCH).map(({ id }) => id)
      await db.transaction(async (tx) => {
        await lockFamilies(tx, applicationId)
        // Reports under way end first, and what comes later was reported later.
        await tx.query('select from devices where id = any ($1) order by id for update', [ids])
        if (wanted.attributes?.length) await forgetAttributesOf(tx, applicationId, ids, wanted.attributes, range)
        else await telemetry.forget(tx, applicationId, ids, range)
        if (!wanted.keepConnectionHistory) await forgetConnections(tx, ids, range)
      })
      progress(Math.min(from + BATCH, devices.length), devices.length)
    }
    return { output: { devices: devices.length } }
  }
