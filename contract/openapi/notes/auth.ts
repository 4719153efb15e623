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
      more: 'Needs no token itself.',
      errors: {
        401: { when: 'E-mail address and password do not belong together.', message: 'The email or password is wrong' },
      },
    },
  },
}
