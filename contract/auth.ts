/** Signing in. */

import { type Static, Type } from 'typebox'
import { route } from './route.ts'
import { closed, Email, ObjectId, Text } from './shapes.ts'

export const UserCredentials = Type.Object(
  {
    email: Email,
    password: Type.String({ minLength: 8, maxLength: 2048 }),
    twoFactorCode: Type.Optional(Type.String({ maxLength: 2048 })),
    tokenTTL: Type.Optional(Type.Integer({ minimum: 0, description: 'seconds' })),
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
  summary: 'Gives a token for an e-mail address and a password.',
  body: { name: 'credentials', schema: UserCredentials },
  reply: AuthedUser,
  authenticated: false,
})
