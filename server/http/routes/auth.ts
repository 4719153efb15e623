/** Signing in. */

import { authenticateUser } from '../../../contract/auth.ts'
import { DEFAULT_SCOPE } from '../../access/scopes.ts'
import { checkPassword } from '../../access/users.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** A day and a night, when the client names no other time; 0 asks for a token that does not end. */
export const DEFAULT_TTL_SECONDS = 24 * 3600

/** Registers the routes that give tokens. */
export function serveAuth(door: Door, { db, tokens }: Parts): void {
  serve(door, authenticateUser, async ({ body }) => {
    const user = await checkPassword(db, body.email, body.password)
    const scope = body.requestedScopes?.length ? body.requestedScopes : DEFAULT_SCOPE
    const token = await tokens.sign({ kind: 'user', ...user, scope }, body.tokenTTL ?? DEFAULT_TTL_SECONDS)
    return { userId: user.userId, token }
  })
}
