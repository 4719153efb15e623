/** Changing, deleting and restoring many devices. In batches, each a transaction, so that nobody waits long for one. */

import { isDeepStrictEqual } from 'node:util'
import type { DevicesPatch } from '../../contract/device-bulk.ts'
import { AppError, invalid } from '../ground/errors.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { type DeviceParts, writeDevice } from './device-change.ts'
import { chosenDevices } from './device-choice.ts'
import { lockFamilies } from './device-family.ts'
import { applyOperations } from './device-operations.ts'
import { deviceCondition } from './device-query.ts'
import { type DeviceRow, RESTORABLE } from './device-record.ts'
import { applyPatch, type DeviceShape, shapeOf } from './device-shape.ts'

const BATCH = 200

/** Called after each batch; may throw to stop before the next. */
export type Progress = (completed: number, total: number) => void

/** @throws invalid when nobody is named or nothing is to be changed, and naming a fault of the query */
export async function devicesToPatch(db: Queryable, applicationId: string, patch: DevicesPatch): Promise<string[]> {
  if (!patch.query && !patch.deviceIds) throw invalid('patchInfo must have a query or deviceIds')
  if (!patch.updateFields && !patch.updateOperations) {
    throw invalid('patchInfo must have updateFields or updateOperations')
  }
  const values: unknown[] = []
  const choice = { query: patch.query, deviceIds: patch.deviceIds }
  return idsOf(db, chosenDevices(applicationId, choice, values, 'patchInfo.query'), values)
}

export interface DevicesUpdated {
  readonly updated: number
  /** Those that the change would have made impossible; they are as they were. */
  readonly failed: number
  /** Those that were so already, or are gone. */
  readonly skipped: number
  /** The first hundred that failed, and why. */
  readonly failures: readonly { readonly deviceId: string; readonly message: string }[]
}

const MAX_FAILURES = 100

/** Changes devices, each for itself: the fields first, then the operations in their order. */
export async function updateDevices(
  parts: DeviceParts,
  applicationId: string,
  ids: readonly string[],
  patch: DevicesPatch,
  progress: Progress = () => {},
): Promise<DevicesUpdated> {
  const change = (before: DeviceShape) =>
    applyOperations(patch.updateFields ? applyPatch(before, patch.updateFields) : before, patch.updateOperations ?? [])
  let updated = 0
  const failures: { deviceId: string; message: string }[] = []
  let failed = 0
  await inBatches(ids, progress, (batch) =>
    parts.db.transaction(async (tx) => {
      for (const row of await lockDevices(tx, applicationId, batch)) {
        try {
          if (await changed(tx, parts, row, change)) updated += 1
        } catch (error) {
          // The rules refuse before anything is written, so the rest of the batch stands.
          if (!(error instanceof AppError) || error.kind !== 'invalid') throw error
          failed += 1
          if (failures.length < MAX_FAILURES) failures.push({ deviceId: row.id, message: error.message })
        }
      }
    }),
  )
  return { updated, failed, skipped: ids.length - updated - failed, failures }
}

async function changed(
  tx: Queryable,
  parts: DeviceParts,
  row: DeviceRow,
  change: (before: DeviceShape) => DeviceShape,
): Promise<boolean> {
  const before = shapeOf(row)
  const after = change(before)
  if (isDeepStrictEqual(after, before)) return false
  await writeDevice(tx, parts.forgetAttributes, row, after)
  return true
}

async function lockDevices(tx: Queryable, applicationId: string, ids: readonly string[]): Promise<DeviceRow[]> {
  await lockFamilies(tx, applicationId)
  return tx.query(
    `select * from devices where id = any ($1) and application_id = $2 and deleted_at is null order by id for update`,
    [ids, applicationId],
  )
}

/** Which devices a bulk deletion is about. @throws invalid naming a fault of the query */
export async function devicesToDelete(db: Queryable, applicationId: string, query: object): Promise<string[]> {
  const values: unknown[] = []
  return idsOf(db, chosenDevices(applicationId, { query }, values, 'options.query'), values)
}

/** Which deleted devices a bulk restoration is about. @throws invalid naming a fault of the query */
export async function devicesToRestore(db: Queryable, applicationId: string, query: object): Promise<string[]> {
  const values: unknown[] = [applicationId]
  const condition = deviceCondition(query, values, 'options.query')
  return idsOf(db, `devices.application_id = $1 and ${RESTORABLE} and ${condition}`, values)
}

/** Deletes devices so that they can be restored; gives how many there were. */
export const deleteDevices = (parts: DeviceParts, applicationId: string, ids: readonly string[], progress?: Progress) =>
  setDeleted(parts, applicationId, ids, { to: 'now()', where: 'deleted_at is null' }, progress)

/** Restores deleted devices as they were; gives how many there were. */
export const restoreDevices = (
  parts: DeviceParts,
  applicationId: string,
  ids: readonly string[],
  progress?: Progress,
) => setDeleted(parts, applicationId, ids, { to: 'null', where: RESTORABLE }, progress)

async function setDeleted(
  { db }: DeviceParts,
  applicationId: string,
  ids: readonly string[],
  sql: { readonly to: string; readonly where: string },
  progress: Progress = () => {},
): Promise<number> {
  let count = 0
  await inBatches(ids, progress, (batch) =>
    db.transaction(async (tx) => {
      await lockFamilies(tx, applicationId)
      const rows = await tx.query(
        `update devices set deleted_at = ${sql.to}
         where id = any ($1) and application_id = $2 and ${sql.where} returning id`,
        [batch, applicationId],
      )
      count += rows.length
    }),
  )
  return count
}

async function idsOf(db: Queryable, condition: string, values: readonly unknown[]): Promise<string[]> {
  const rows = await db.query<{ id: string }>(`select id from devices where ${condition} order by id`, values)
  return rows.map(({ id }) => id)
}

async function inBatches(
  ids: readonly string[],
  progress: Progress,
  work: (batch: readonly string[]) => Promise<void>,
): Promise<void> {
  for (let from = 0; from < ids.length; from += BATCH) {
    await work(ids.slice(from, from + BATCH))
    progress(Math.min(from + BATCH, ids.length), ids.length)
  }
}
