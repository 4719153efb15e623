/** What was told of ends, and the secret it is signed with: contract routes to the rooms below. */

import {
  type CallbackSecret,
  getCallbackSecret,
  getDelivery,
  listDeliveries,
  replayDelivery,
  rotateCallbackSecret,
} from '../../../contract/deliveries.ts'
import type { SecretsOfApplication } from '../../access/callback-secrets.ts'
import * as deliveries from '../../catalog/deliveries.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Registers the routes of deliveries. */
export function serveDeliveries(door: Door, { db, replay, callbackSecrets }: Parts): void {
  serve(door, listDeliveries, async ({ params, query }) => {
    const { applicationId } = params
    return { ...(await deliveries.listDeliveries(db, applicationId, query)), applicationId }
  })
  serve(door, getDelivery, async ({ params }) => deliveries.getDelivery(db, params.applicationId, params.deliveryId))
  serve(door, replayDelivery, async ({ params }) => {
    await replay(params.applicationId, params.deliveryId)
    return { success: true }
  })
  serve(door, getCallbackSecret, async ({ params }) => {
    const { applicationId } = params
    return toSecret(applicationId, await callbackSecrets.of(db, applicationId))
  })
  serve(door, rotateCallbackSecret, async ({ params }) => {
    const { applicationId } = params
    return toSecret(applicationId, await callbackSecrets.rotate(db, applicationId))
  })
}

const toSecret = (applicationId: string, { current, rotatedAt, previous }: SecretsOfApplication): CallbackSecret => ({
  applicationId,
  secret: current,
  ...(rotatedAt ? { rotatedDate: rotatedAt.toISOString() } : {}),
  ...(previous ? { previousUntil: previous.until.toISOString() } : {}),
})
