/** Signing in. */

import { type Static, Type } from 'typebox'
import { route } from './route.ts'
import { closed, Email, ObjectId, Text } from './shapes.ts'

/** Any text: long ones are better than those with a capital, a digit and a bracket. */
export const Password = Type.String({ minLength: 8, maxLength: 2048 })
export const TwoFactorCode = Type.String({ maxLength: 2048 })

/** Ten years; longer than that is 0. */
const MAX_TTL_SECONDS = 315_360_000
export const TokenTtl = Type.Integer({
  minimum: 0,
  maximum: MAX_TTL_SECONDS,
  description: 'seconds; 0 for a token that does not end',
})

export const UserCredentials = Type.Object(
  {
    email: Email,
    password: Password,
    twoFactorCode: Type.Optional(TwoFactorCode),
    tokenTTL: Type.Optional(TokenTtl),
    requestedScopes: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 255 }), { uniqueItems: true, maxItems: 1000 }),
    ),
  },
  closed,
)
export type UserCredentials = Static<typeof UserCredentials>

export const AuthedUser = Type.Object({ userId: ObjectId, token: Text })

export const authenticateUser = route({
  operation: 'auth.authenticateUser',
  method: 'POST',
  path: '/auth/user',
  summary: 'Gives a token for an e-mail address and a password, and a code where the user has a second factor.',
  body: { name: 'credentials', schema: UserCredentials },
  reply: AuthedUser,
  authenticated: false,
})

export const getSsoDomain = route({
  operation: 'auth.ssoDomain',
  method: 'GET',
  path: '/auth/ssoDomain',
  summary: 'Tells that users of an address sign in here: nobody else vouches for them, so the answer is always empty.',
  query: Type.Object({ email: Email }),
  status: 204,
  reply: Type.Null(),
  authenticated: false,
})
