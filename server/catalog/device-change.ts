/** Changing devices: read under a lock, changed by a pure function, checked and written. Two changes at once lose nothing. */

import { notFound } from '../ground/errors.ts'
import type { Database, Queryable } from '../stores/postgres/database.ts'
import { checkGateway, lockFamilies, moveDevice } from './device-family.ts'
import type { DeviceRow } from './device-record.ts'
import { compareAttributes, type DeviceShape, shapeOf } from './device-shape.ts'

/** Forgets what a device reported of some attributes, before the transaction's end. */
export type ForgetAttributes = (
  tx: Queryable,
  applicationId: string,
  deviceId: string,
  attributes: readonly string[],
) => Promise<void>

/** What changing devices needs of the service. */
export interface DeviceParts {
  readonly db: Database
  readonly forgetAttributes: ForgetAttributes
}

/**
 * Changes one device; `family` says that class, gateway or parent may change.
 * @param change pure: it may be called again
 * @throws notFound, invalid as the rules of families, and what `change` throws
 */
export async function changeDevice(
  parts: DeviceParts,
  where: { readonly applicationId: string; readonly id: string; readonly family: boolean },
  change: (before: DeviceShape) => DeviceShape,
): Promise<DeviceRow> {
  const work = async (tx: Queryable) => {
    if (where.family) await lockFamilies(tx, where.applicationId)
    const row = await tx.one<DeviceRow>(
      'select * from devices where id = $1 and application_id = $2 and deleted_at is null for update',
      [where.id, where.applicationId],
    )
    if (!row) throw notFound('Device')
    return writeDevice(tx, parts.forgetAttributes, row, change(shapeOf(row)))
  }
  return parts.db.transaction(work, { repeatable: true })
}

/** Writes what became of a device whose row is locked. @throws invalid as the rules of families */
export async function writeDevice(
  tx: Queryable,
  forgetAttributes: ForgetAttributes,
  row: DeviceRow,
  after: DeviceShape,
): Promise<DeviceRow> {
  const before = shapeOf(row)
  await checkGateway(tx, row.application_id, row.id, before, after)
  if (after.parentId !== before.parentId) await moveDevice(tx, row.application_id, row.id, after.parentId)
  const { formerTypes, forget } = compareAttributes(before.attributes, row.former_types, after.attributes)
  if (forget.length > 0) await forgetAttributes(tx, row.application_id, row.id, forget)
  const written = await tx.one<DeviceRow>(
    `update devices set name = $3, description = $4, device_class = $5, gateway_id = $6, system_interval = $7,
       keep_duplicates = $8, tags = $9, attributes = $10, former_types = $11, updated_at = now()
     where id = $1 and application_id = $2 returning *`,
    [
      row.id,
      row.application_id,
      after.name,
      after.description,
      after.deviceClass,
      after.gatewayId,
      after.systemInterval,
      after.keepDuplicates,
      JSON.stringify(after.tags),
      JSON.stringify(after.attributes),
      JSON.stringify(formerTypes),
    ],
  )
  if (!written) throw new Error(`device ${row.id} went away under its lock`)
  return written
}
