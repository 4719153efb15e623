/** Notes about `contract/me.ts`. */

import { CHANGED, MADE, USER } from '../example-world.ts'
import type { ErrorNote, Notes } from '../notes.ts'

const me = {
  id: USER,
  userId: USER,
  creationDate: MADE,
  lastUpdated: CHANGED,
  passwordLastUpdated: MADE,
  email: 'ada@example.com',
  firstName: 'Ada',
  lastName: 'Lovelace',
  fullName: 'Ada Lovelace',
  emailVerified: true,
  needsToVerifyEmail: false,
  twoFactorAuthEnabled: false,
  ssoLinked: false,
  limits: { notebookMinutesPerRun: 60, payload: 10_000_000 },
  currentPeriodStart: '2026-11-01T00:00:00.000Z',
  currentPeriodEnd: '2026-12-01T00:00:00.000Z',
}
const password = 'correct horse battery staple'
const newPassword = 'another horse, another battery'
const key = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA'

const locked: ErrorNote = {
  when: 'Too many proofs failed before; `Retry-After` says when the next one is looked at.',
  type: 'AccountLocked',
  message: 'Too many failed sign-ins; try again in 8 seconds',
  retryAfter: true,
}

export const notes: Notes = {
  tag: { name: 'Account', description: 'The user who calls: profile, password, sessions, second factor.' },
  schemas: {
    Me: { is: 'The user who calls.', example: me },
    MeSummary: { is: "What is in the user's own applications.", example: { appCount: 2, deviceCount: 34 } },
    MeLimits: { is: 'What the installation allows.' },
    MePatch: { is: 'What is to change of the user.', example: { firstName: 'Ada', companyName: 'Analytical Engines' } },
    CurrentCredentials: {
      is: 'The password, and the code of the second factor where there is one, as they are now.',
      example: { password },
    },
    ChangePassword: { is: 'The password now and the one to come.', example: { password, newPassword } },
    TwoFactorKey: {
      is: 'A key for a program on a telephone.',
      example: { key, keyUri: `otpauth://totp/Fieldbook:ada%40example.com?issuer=Fieldbook&secret=${key}` },
    },
    TwoFactorEnable: {
      is: 'The generated key, and a code that proves that the telephone has it.',
      example: { twoFactorAuthKey: key, password, twoFactorCode: '012345' },
    },
    TwoFactorDisable: { is: 'Who wants to be without.', example: { password, twoFactorCode: '012345' } },
  },
  routes: {
    patchMe: { errors: { 401: locked } },
    changePassword: { errors: { 401: locked } },
    enableTwoFactorAuth: {
      reply: { ...me, twoFactorAuthEnabled: true, _type: 'me' },
      errors: { 401: locked },
    },
    disableTwoFactorAuth: { errors: { 401: locked } },
    deleteMe: {
      errors: {
        401: locked,
        409: {
          when: 'The user owns applications, or is the only owner of the installation.',
          message: 'You own applications, or ones that are still being deleted; delete them first',
        },
      },
    },
    refreshToken: { more: 'API tokens are refused: they are made anew, under their own name.' },
  },
}
