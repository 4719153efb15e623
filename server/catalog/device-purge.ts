/** Devices that were deleted so long ago that nobody can restore them: gone for good, with everything of theirs. */

import type { Database, Queryable } from '../stores/postgres/database.ts'
import { lockFamilies } from './device-family.ts'
import { RESTORABLE_DAYS } from './device-record.ts'

/** Forgets everything devices ever reported, with the transaction. */
export type ForgetDevices = (tx: Queryable, applicationId: string, deviceIds: readonly string[]) => Promise<void>

const BATCH = 500

/**
 * Removes the devices whose time to be restored was over at `now`, in batches; gives how many. What was below one has no
 * parent then, what it was the gateway of no gateway. That they were there stays, for the counts by day.
 */
export async function purgeDevices(
  { db, forgetDevices }: { readonly db: Database; readonly forgetDevices: ForgetDevices },
  now: Date,
  signal?: AbortSignal,
): Promise<number> {
  const before = new Date(now.getTime() - RESTORABLE_DAYS * 86_400_000)
  const applications = await db.query<{ id: string }>(
    'select distinct application_id as id from devices where deleted_at <= $1',
    [before],
  )
  let purged = 0
  for (const { id } of applications) {
    let count: number
    do {
      signal?.throwIfAborted()
      count = await db.transaction((tx) => purgeBatch(tx, forgetDevices, id, before))
      purged += count
    } while (count === BATCH)
  }
  return purged
}

async function purgeBatch(
  tx: Queryable,
  forgetDevices: ForgetDevices,
  applicationId: string,
  before: Date,
): Promise<number> {
  await lockFamilies(tx, applicationId)
  const rows = await tx.query<{ id: string }>(
    `select id from devices where application_id = $1 and deleted_at <= $2 order by id limit ${BATCH} for update`,
    [applicationId, before],
  )
  const ids = rows.map(({ id }) => id)
  if (ids.length === 0) return 0
  const whose = [applicationId, ids]
  await tx.query('update devices set gateway_id = null where application_id = $1 and gateway_id = any ($2)', whose)
  await tx.query('update devices set parent_id = null where application_id = $1 and parent_id = any ($2)', whose)
  // Of those above a device only the ones below the nearest that goes are still above it.
  await tx.query(
    `update devices set ancestor_ids = ancestor_ids[1:(
       select min(place) - 1 from unnest(ancestor_ids) with ordinality as above (id, place) where above.id = any ($2))]
     where application_id = $1 and ancestor_ids && $2::text[]`,
    whose,
  )
  await forgetDevices(tx, applicationId, ids)
  await tx.query(
    `with gone as (delete from devices where application_id = $1 and id = any ($2) returning created_at, deleted_at)
     insert into purged_devices (application_id, created_at, deleted_at) select $1, created_at, deleted_at from gone`,
    whose,
  )
  return ids.length
}
