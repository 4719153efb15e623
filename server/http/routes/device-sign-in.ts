/** Devices that sign in: the contract route to the room below. */

import { authenticateDevice } from '../../../contract/device-sign-in.ts'
import { checkDeviceKey } from '../../access/device-keys.ts'
import { createKeyAttempts } from '../../access/key-attempts.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** A day and a night, as for users. */
const DEFAULT_TTL_SECONDS = 24 * 3600

/** Registers the route that gives tokens to devices. */
export function serveDeviceSignIn(door: Door, { db, tokens }: Pick<Parts, 'db' | 'tokens'>): void {
  const attempts = createKeyAttempts()
  serve(door, authenticateDevice, async ({ body, address, exactAddress }) => {
    const from = { client: address, address: exactAddress }
    const { keyId, applicationId, deviceId, deviceClass, told } = await checkDeviceKey(db, attempts, body, from)
    const scope = body.requestedScopes?.length ? body.requestedScopes : ['all.Device']
    const caller = { kind: 'device', applicationId, deviceId, keyId, scope } as const
    const token = await tokens.sign(caller, body.tokenTTL ?? DEFAULT_TTL_SECONDS)
    const { filterType, pubTopics, subTopics } = told
    return { applicationId, deviceId, deviceClass, token, ownerType: 'user', filterType, pubTopics, subTopics }
  })
}
