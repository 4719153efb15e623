/** Access keys as devices use them: which devices they are for, and whether a secret is theirs. */

import { createHash, timingSafeEqual } from 'node:crypto'
import type { ApplicationKey } from '../../contract/application-keys.ts'
import type { DeviceClass } from '../../contract/devices.ts'
import { unauthenticated } from '../ground/errors.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { admits } from './address-filter.ts'
import type { KeyAttempts } from './key-attempts.ts'

/** What is kept of a secret. One of 256 random bits needs no slower hash: there is nothing to guess from. */
export const hashSecret = (secret: string): Buffer => createHash('sha256').update(secret).digest()

/**
 * The condition that a key is for a device, over a row `k` of application_keys and `d` of devices: one of its ids, one of
 * its tags (any value where it names none, any key where it names none), or every device where it names neither.
 */
export const COVERS = `(
  (k.device_ids = '{}' and k.device_tags = '[]') or d.id = any (k.device_ids)
  or exists (select from jsonb_array_elements(k.device_tags) as tag where d.tags @> jsonb_build_array(tag))
)`

/** A key of an application, and the device that it was given for, if it is for that. */
export interface KeyOfDevice {
  readonly keyId: string
  readonly applicationId: string
  readonly deviceId: string
  readonly deviceClass: DeviceClass
  readonly told: Pick<ApplicationKey, 'filterType' | 'pubTopics' | 'subTopics' | 'addressFilterType' | 'addresses'>
}

interface KeyRow extends Omit<KeyOfDevice, 'deviceId' | 'deviceClass'> {
  readonly secretHash: Buffer
  readonly isActive: boolean
  /** Null when there is no such device in the application, or the key is not for it. */
  readonly deviceId: string | null
  readonly deviceClass: DeviceClass | null
}

/** Compared with when there is no such key; no secret has this hash. */
const NOBODY = Buffer.alloc(32)

export interface DeviceSecret {
  readonly deviceId: string
  readonly key?: string | undefined
  readonly secret?: string | undefined
}

/** Where somebody signs in from. */
export interface Origin {
  /** One text for all addresses of a client: failures are counted for it. */
  readonly client: string
  /** The very address, which filters of addresses are asked about. */
  readonly address: string
}

/**
 * The key that a device signs in with. Whatever is wrong is answered alike, and failures are counted for what was sent,
 * whether there is such a thing or not: so nobody learns which keys and devices there are, or belong together.
 * @throws unauthenticated; limited after many failures, until the wait is over
 */
export async function checkDeviceKey(
  db: Queryable,
  attempts: KeyAttempts,
  { deviceId, key = '', secret = '' }: DeviceSecret,
  { client, address }: Origin,
): Promise<KeyOfDevice> {
  const asked = deviceId.toLowerCase()
  // Each device for itself: one with a wrong secret must not keep the others of its place out. A key may be long.
  const who = [client, asked, hashSecret(key).toString('base64')].join(' ')
  attempts.requireTurn(who)
  const row = await db.one<KeyRow>(FIND, [key, asked])
  const stored = row && row.secretHash.length === NOBODY.length ? row.secretHash : NOBODY
  const matches = timingSafeEqual(hashSecret(secret), stored)
  const device = row?.deviceId && row.deviceClass ? { deviceId: row.deviceId, deviceClass: row.deviceClass } : undefined
  if (!row || !device || !matches || !row.isActive || !admits(addressFilterOf(row.told), address)) {
    attempts.count(who)
    throw unauthenticated('The device, key or secret is wrong')
  }
  attempts.forget(who)
  const { keyId, applicationId, told } = row
  return { keyId, applicationId, told, ...device }
}

const FIND = `select k.id as "keyId", k.application_id as "applicationId", k.secret_hash as "secretHash", k.told,
    k.status = 'active' as "isActive", d.id as "deviceId", d.device_class as "deviceClass"
  from application_keys k
  join applications a on a.id = k.application_id and a.deleted_at is null
  left join devices d on d.id = $2 and d.application_id = a.id and d.deleted_at is null and ${COVERS}
  where k.key = $1`

/** What a key says of addresses, as the filter has it. */
export const addressFilterOf = ({
  addressFilterType: type,
  addresses,
}: Pick<KeyOfDevice['told'], 'addressFilterType' | 'addresses'>) => ({ type, addresses })
