/** Notes about `contract/auth.ts`. */

import { USER } from '../example-world.ts'
import type { Notes } from '../notes.ts'

export const notes: Notes = {
  tag: { name: 'Sign-in', description: 'Getting a token.' },
  schemas: {
    UserCredentials: {
      is: 'Who signs in, and what the token is to be like.',
      example: { email: 'ada@example.com', password: 'correct horse battery staple', tokenTTL: 86400 },
    },
    AuthedUser: {
      is: 'A user who has signed in, with the token.',
      example: {
        userId: USER,
        token: 'eyJhbGciOiJFZERTQSJ9.eyJzY29wZSI6WyJhbGwuVXNlciJdLCJpc3MiOiJmaWVsZGJvb2sifQ.c2lnbmF0dXJl',
      },
    },
  },
  routes: {
    authenticateUser: {
      more: 'Needs no token itself. The other ways to a token are `POST /auth/device`, `POST /applications/{applicationId}/tokens` and `POST /me/tokens`. After a few failures further tries wait, also with the right password: `AccountLocked`, with `Retry-After`. With the right password of a user who has a second factor, and no code, the type is `TwoFactorRequired`.',
      errors: {
        401: {
          when: 'E-mail address and password do not belong together; or there were too many failures, and `Retry-After` says when the next try is looked at; or a code is needed as well.',
          message: 'The email or password is wrong',
          also: {
            locked: { type: 'AccountLocked', message: 'Too many failed sign-ins; try again in 8 seconds' },
            secondFactor: {
              type: 'TwoFactorRequired',
              message: 'Two-factor authentication is enabled: twoFactorCode is required',
            },
          },
          retryAfter: true,
        },
      },
    },
    getSsoDomain: {
      query: { email: 'ada@example.com' },
      answers: { 204: { description: 'Nobody else vouches for the users of this address.' } },
    },
  },
}
