/** API tokens: contract routes to the rooms below. */

import * as contract from '../../../contract/api-tokens.ts'
import type { Caller } from '../../access/callers.ts'
import * as tokens from '../../catalog/api-tokens.ts'
import type { Parts } from '../parts.ts'
import { type Door, requireUser, serve } from '../serve.ts'

/** Registers the routes of API tokens. */
export function serveApiTokens(door: Door, parts: Pick<Parts, 'db' | 'tokens'>): void {
  const { db } = parts
  const making = { ...parts, operations: door.routes }
  const ofApplication = ({ applicationId }: { applicationId: string }): tokens.TokenOwner => ({
    type: 'application',
    id: applicationId,
  })
  const ofUser = (caller: Caller): tokens.TokenOwner => ({ type: 'user', id: requireUser(caller).userId })

  serve(door, contract.listApplicationApiTokens, async ({ params, query }) =>
    tokens.listApiTokens(db, ofApplication(params), query),
  )
  serve(door, contract.createApplicationApiToken, async ({ params, caller, body }) =>
    tokens.createApiToken(making, ofApplication(params), caller, body, new Date()),
  )
  serve(door, contract.getApplicationApiToken, async ({ params }) =>
    tokens.getApiToken(db, ofApplication(params), params.apiTokenId),
  )
  serve(door, contract.patchApplicationApiToken, async ({ params, body }) =>
    tokens.patchApiToken(db, ofApplication(params), params.apiTokenId, body),
  )
  serve(door, contract.deleteApplicationApiToken, async ({ params }) => {
    await tokens.deleteApiToken(db, ofApplication(params), params.apiTokenId)
    return { success: true }
  })

  serve(door, contract.listUserApiTokens, async ({ caller, query }) => tokens.listApiTokens(db, ofUser(caller), query))
  serve(door, contract.createUserApiToken, async ({ caller, body }) =>
    tokens.createApiToken(making, ofUser(caller), caller, body, new Date()),
  )
  serve(door, contract.getUserApiToken, async ({ caller, params }) =>
    tokens.getApiToken(db, ofUser(caller), params.apiTokenId),
  )
  serve(door, contract.patchUserApiToken, async ({ caller, params, body }) =>
    tokens.patchApiToken(db, ofUser(caller), params.apiTokenId, body),
  )
  serve(door, contract.deleteUserApiToken, async ({ caller, params }) => {
    await tokens.deleteApiToken(db, ofUser(caller), params.apiTokenId)
    return { success: true }
  })
}
