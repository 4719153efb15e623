/** Forgetting: what is hot goes at once, what is sealed is hidden at once and goes when its segment is rewritten. */

import type { Queryable } from '../postgres/database.ts'
import { LAST_SEQ } from './cut.ts'

/** Any constant of our own: the first key of the advisory locks under which an application's tombstones are written. */
export const FORGETTING = 2_104_001

/**
 * Forgets the states of devices in a range of time, all of them when it is open; durable with the transaction `tx`.
 * States that are reported later live. One transaction at a time forgets in an application.
 */
export async function forgetStates(
  tx: Queryable,
  applicationId: string,
  deviceIds: readonly string[],
  range: { readonly from?: number | undefined; readonly to?: number | undefined } = {},
): Promise<void> {
  if (deviceIds.length === 0) return
  const bounds = [
    range.from === undefined ? null : Math.ceil(range.from),
    range.to === undefined ? null : Math.ceil(range.to),
  ]
  await lockForgetting(tx, applicationId)
  await tx.query(
    `delete from hot_states where application_id = $1 and device_id = any ($2::text[])
       and ($3::bigint is null or ts >= $3) and ($4::bigint is null or ts < $4)`,
    [applicationId, deviceIds, ...bounds],
  )
  // The last seq comes after the deletion's snapshot: a report between the two was not acknowledged before us.
  await tx.query(
    `insert into tombstones (application_id, device_id, from_ts, to_ts, up_to_seq)
     select $1, device_id, $3, $4, ${LAST_SEQ} from unnest($2::text[]) as given (device_id)`,
    [applicationId, deviceIds, ...bounds],
  )
}

/**
 * Until the transaction ends nobody else writes tombstones of the application, and no segment of it is recorded. The
 * application comes first: a tombstone needs its row, and who removes it would wait for our hot rows while we wait for him.
 */
export async function lockForgetting(tx: Queryable, applicationId: string): Promise<void> {
  await tx.query('select from applications where id = $1 for key share', [applicationId])
  await tx.query('select pg_advisory_xact_lock($1, hashtext($2))', [FORGETTING, applicationId])
}
