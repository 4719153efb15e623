/** Access keys: contract routes to the rooms below. */

import * as contract from '../../../contract/application-keys.ts'
import { actorOf } from '../../access/callers.ts'
import * as keys from '../../catalog/application-keys.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Registers the routes of access keys. */
export function serveApplicationKeys(door: Door, { db }: Pick<Parts, 'db'>): void {
  serve(door, contract.listApplicationKeys, async ({ params, query }) => {
    const { applicationId } = params
    return { ...(await keys.listApplicationKeys(db, applicationId, query)), applicationId }
  })
  serve(door, contract.createApplicationKey, async ({ caller, params, body }) => {
    await keys.requireKeyMaker(db, caller, door.routes)
    return keys.createApplicationKey(db, params.applicationId, actorOf(caller), body)
  })
  serve(door, contract.getApplicationKey, async ({ params }) =>
    keys.getApplicationKey(db, params.applicationId, params.applicationKeyId),
  )
  serve(door, contract.patchApplicationKey, async ({ caller, params, body }) =>
    keys.patchApplicationKey(db, params.applicationId, params.applicationKeyId, actorOf(caller), body),
  )
  serve(door, contract.deleteApplicationKey, async ({ params }) => {
    await keys.deleteApplicationKey(db, params.applicationId, params.applicationKeyId)
    return { success: true }
  })
}
