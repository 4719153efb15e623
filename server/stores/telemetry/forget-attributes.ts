/** Forgetting single attributes of a device, when their type changes. */

import type { Queryable } from '../postgres/database.ts'

/** Forgets everything that a device reported of these attributes. */
export async function forgetAttributes(
  tx: Queryable,
  applicationId: string,
  deviceId: string,
  attributes: readonly string[],
): Promise<void> {
  const values = [applicationId, deviceId, attributes]
  const of = 'application_id = $1 and device_id = $2'
  await tx.query(`delete from hot_states where ${of} and doc - $3::text[] = '{}'`, values)
  await tx.query(`update hot_states set doc = doc - $3::text[] where ${of} and doc ?| $3::text[]`, values)
}
