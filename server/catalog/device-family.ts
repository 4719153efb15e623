/**
 * How devices of an application belong together: a parent and what is below it, a gateway and its peripherals. Every
 * device carries the ids of all above it, so that a query for what is below a device needs no walk.
 */

import { invalid } from '../ground/errors.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import type { DeviceShape } from './device-shape.ts'

/** Devices above a device; deeper is nothing anybody means, and every move of a device costs its depth. */
const MAX_DEPTH = 100

const GATEWAY_CLASSES = ['gateway', 'edgeCompute']
const isGateway = (deviceClass: string) => GATEWAY_CLASSES.includes(deviceClass)

/**
 * Keeps everybody else from changing families of the application until the transaction ends, so that two moves at once
 * make no circle. Whoever locks more than one device takes this first; so nobody waits for each other.
 */
export async function lockFamilies(tx: Queryable, applicationId: string): Promise<void> {
  await tx.query('select from applications where id = $1 for no key update', [applicationId])
}

/** Whether the change needs `lockFamilies`. */
export const concernsFamily = (change: { parentId?: unknown; gatewayId?: unknown; deviceClass?: unknown }): boolean =>
  change.parentId !== undefined || change.gatewayId !== undefined || change.deviceClass !== undefined

type Place = Pick<DeviceShape, 'deviceClass' | 'gatewayId'>

/**
 * Checks class and gateway of a device that is made (`before` undefined) or changed.
 * @throws invalid when a peripheral has no gateway, its gateway is none, or a gateway with peripherals would cease to be one
 */
export async function checkGateway(
  tx: Queryable,
  applicationId: string,
  id: string,
  before: Place | undefined,
  after: Place,
): Promise<void> {
  if (before?.deviceClass === after.deviceClass && before.gatewayId === after.gatewayId) return
  if (after.deviceClass === 'peripheral') await requireGateway(tx, applicationId, id, after.gatewayId)
  if (before && isGateway(before.deviceClass) && !isGateway(after.deviceClass)) {
    const peripheral = await tx.query<{ name: string }>(
      'select name from devices where gateway_id = $1 and application_id = $2 and deleted_at is null limit 1',
      [id, applicationId],
    )
    if (peripheral[0]) {
      throw invalid(
        `device.deviceClass must stay ${before.deviceClass} while peripherals as "${peripheral[0].name}" have this gateway`,
      )
    }
  }
}

async function requireGateway(tx: Queryable, applicationId: string, id: string, gatewayId: string | null) {
  if (gatewayId === null) throw invalid('device.gatewayId is required for a device of class peripheral')
  if (gatewayId === id) throw invalid('device.gatewayId must be another device')
  const gateway = await tx.one<{ device_class: string }>(
    'select device_class from devices where id = $1 and application_id = $2 and deleted_at is null',
    [gatewayId, applicationId],
  )
  if (!gateway) throw invalid('device.gatewayId must be the id of a device of this application')
  if (!isGateway(gateway.device_class)) {
    throw invalid(
      `device.gatewayId must be a device of class ${GATEWAY_CLASSES.join(' or ')}, and that one is ${gateway.device_class}`,
    )
  }
}

/**
 * The ids above a device with this parent, the parent first.
 * @throws invalid when the parent is no device of the application, the device itself or below it, or too deep
 */
export async function ancestorsOf(
  tx: Queryable,
  applicationId: string,
  id: string,
  parentId: string | null,
): Promise<string[]> {
  if (parentId === null) return []
  if (parentId === id) throw invalid('device.parentId must be another device')
  const parent = await tx.one<{ ancestor_ids: string[] }>(
    'select ancestor_ids from devices where id = $1 and application_id = $2 and deleted_at is null',
    [parentId, applicationId],
  )
  if (!parent) throw invalid('device.parentId must be the id of a device of this application')
  if (parent.ancestor_ids.includes(id)) throw invalid('device.parentId must not be a device below this one')
  return [parentId, ...parent.ancestor_ids]
}

/** Puts a device and all below it under another parent, or under none. @throws invalid as `ancestorsOf` */
export async function moveDevice(
  tx: Queryable,
  applicationId: string,
  id: string,
  parentId: string | null,
): Promise<void> {
  const ancestors = await ancestorsOf(tx, applicationId, id, parentId)
  const below = await tx.one<{ levels: number }>(
    `select coalesce(max(array_position(ancestor_ids, $1)), 0) as levels from devices
     where application_id = $2 and ancestor_ids @> array[$1]`,
    [id, applicationId],
  )
  requireDepth(ancestors.length + (below?.levels ?? 0))
  await tx.query('update devices set parent_id = $3, ancestor_ids = $4 where id = $1 and application_id = $2', [
    id,
    applicationId,
    parentId,
    ancestors,
  ])
  await tx.query(
    `update devices set ancestor_ids = ancestor_ids[1:array_position(ancestor_ids, $1)] || $3::text[]
     where application_id = $2 and ancestor_ids @> array[$1]`,
    [id, applicationId, ancestors],
  )
}

/** @throws invalid */
export function requireDepth(levels: number): void {
  if (levels > MAX_DEPTH) throw invalid(`device.parentId would put a device more than ${MAX_DEPTH} levels deep`)
}
