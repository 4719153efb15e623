/** Signing in. */

import { authenticateUser, getSsoDomain } from '../../../contract/auth.ts'
import { requireWords } from '../../access/scope-words.ts'
import { DEFAULT_SCOPE } from '../../access/scopes.ts'
import { signIn } from '../../access/sign-in.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve, serveRaw } from '../serve.ts'

/** A day and a night, when the client names no other time; 0 asks for a token that does not end. */
export const DEFAULT_TTL_SECONDS = 24 * 3600

/** Registers the routes that give users tokens. */
export function serveAuth(door: Door, parts: Parts): void {
  serve(door, authenticateUser, async ({ body, address }) => {
    const scope = body.requestedScopes?.length ? body.requestedScopes : DEFAULT_SCOPE
    requireWords(scope, 'session', door.routes, 'credentials.requestedScopes')
    const user = await signIn(parts, body.email, body, address)
    const ttlSeconds = body.tokenTTL ?? DEFAULT_TTL_SECONDS
    return { userId: user.userId, token: await parts.tokens.sign({ kind: 'user', ...user, scope }, ttlSeconds) }
  })
  serveRaw(door, getSsoDomain, async (_call, _request, reply) => reply.code(204).send())
}
