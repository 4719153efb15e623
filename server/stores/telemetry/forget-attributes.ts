/** Forgetting single attributes of devices: when their type changes, or when they are asked to be removed. */

import type { Queryable } from '../postgres/database.ts'
import { LAST_SEQ } from './cut.ts'
import { lockForgetting } from './tombstones.ts'

/** Forgets everything that a device reported of these attributes. */
export const forgetAttributes = (
  tx: Queryable,
  applicationId: string,
  deviceId: string,
  attributes: readonly string[],
): Promise<void> => forgetAttributesOf(tx, applicationId, [deviceId], attributes)

/**
 * Forgets what devices reported of these attributes in a range of time, all of it when the range is open. Reports of the
 * devices must not be under way: the caller holds their rows.
 */
export async function forgetAttributesOf(
  tx: Queryable,
  applicationId: string,
  deviceIds: readonly string[],
  attributes: readonly string[],
  range: { readonly from?: number | undefined; readonly to?: number | undefined } = {},
): Promise<void> {
  if (attributes.length === 0 || deviceIds.length === 0) return
  const values = [applicationId, deviceIds, attributes, range.from ?? null, range.to ?? null]
  const of = `application_id = $1 and device_id = any ($2::text[])
    and ($4::bigint is null or ts >= $4) and ($5::bigint is null or ts < $5)`
  await lockForgetting(tx, applicationId)
  await tx.query(`delete from hot_states where ${of} and doc - $3::text[] = '{}'`, values)
  await tx.query(`update hot_states set doc = doc - $3::text[] where ${of} and doc ?| $3::text[]`, values)
  await tx.query(
    `insert into tombstones (application_id, device_id, attributes, from_ts, to_ts, up_to_seq)
     select $1, device_id, $3::text[], $4, $5, ${LAST_SEQ}
     from unnest($2::text[]) as given (device_id)`,
    values,
  )
}
