/** The user who calls: what they tell of themselves, their password, their sessions and their second factor. */

import { type Static, Type } from 'typebox'
import { Days, DeviceCounts, RunStats } from './applications.ts'
import { AuthedUser, Password, TokenTtl, TwoFactorCode, UserCredentials } from './auth.ts'
import { route } from './route.ts'
import { closed, DateTime, Email, MediumText, ObjectId, Success } from './shapes.ts'

const Told = Type.String({ maxLength: 1024 })

/** What a user can change without proving anything. */
const profile = {
  firstName: Type.Optional(MediumText),
  lastName: Type.Optional(Told),
  companyName: Type.Optional(Told),
  title: Type.Optional(Told),
  phoneNumber: Type.Optional(Told),
  location: Type.Optional(Told),
  url: Type.Optional(Told),
}

const Count = Type.Optional(Type.Integer({ minimum: 0 }))

/** Counted in the applications that the user owns. */
export const MeSummary = Type.Object({
  apiTokenCount: Count,
  appCount: Count,
  dataTableCount: Count,
  deviceCount: Count,
  eventCount: Count,
  fileCount: Count,
  keyCount: Count,
  notebookCount: Count,
  notebookStats: Type.Optional(RunStats),
  privateFileCount: Count,
})
export type MeSummary = Static<typeof MeSummary>

/** What all applications of the installation together may have, and one execution or request; what is not limited is left out. */
export const MeLimits = Type.Object({
  notebook: Count,
  notebookInParallel: Count,
  notebookMinutesPerMonth: Count,
  notebookMinutesPerRun: Count,
  payload: Type.Optional(Type.Integer({ description: 'bytes of a JSON body' })),
})
export type MeLimits = Static<typeof MeLimits>

export const Me = Type.Object({
  id: ObjectId,
  userId: ObjectId,
  creationDate: DateTime,
  lastUpdated: DateTime,
  passwordLastUpdated: DateTime,
  email: Type.String({ minLength: 1 }),
  ...profile,
  fullName: Type.Optional(Type.String()),
  tokenCutoff: Type.Optional({ ...DateTime, description: 'sessions that began before are refused' }),
  emailVerified: Type.Boolean({
    description: 'an owner of the installation has made or invited the user with this address, or set it',
  }),
  needsToVerifyEmail: Type.Boolean(),
  twoFactorAuthEnabled: Type.Boolean(),
  ssoLinked: Type.Boolean(),
  limits: MeLimits,
  currentPeriodStart: DateTime,
  currentPeriodEnd: DateTime,
  summary: Type.Optional(MeSummary),
})
export type Me = Static<typeof Me>

/** Recent items are not kept; a summary comes with the fields that are included, or with all but those excluded. */
const meQuery = Type.Object({
  includeRecent: Type.Optional(Type.String({ maxLength: 255 })),
  summaryInclude: Type.Optional(Type.String({ maxLength: 1024 })),
  summaryExclude: Type.Optional(Type.String({ maxLength: 1024 })),
})

export const getMe = route({
  operation: 'me.get',
  method: 'GET',
  path: '/me',
  summary: 'Gives the user who calls.',
  query: meQuery,
  reply: Me,
  entity: 'me',
})

/** Proof that a token was not all that somebody found. */
export const CurrentCredentials = Type.Object(
  { password: Password, twoFactorCode: Type.Optional(TwoFactorCode) },
  closed,
)

export const MePatch = Type.Object(
  {
    email: Type.Optional(Email),
    ...profile,
    password: Type.Optional(Password),
    tokenCutoff: Type.Optional({ ...DateTime, description: 'a moment that has passed, as 2026-03-01T00:00:00Z' }),
    currentCredentials: Type.Optional(CurrentCredentials),
  },
  closed,
)
export type MePatch = Static<typeof MePatch>

/** Accounts are changed by tokens that may do everything only. */
const grants = { bounded: false }

export const patchMe = route({
  operation: 'me.patch',
  method: 'PATCH',
  path: '/me',
  summary:
    'Changes the user who calls; email and password need currentCredentials, and a new password ends all sessions.',
  query: meQuery,
  body: { name: 'user', schema: MePatch },
  reply: Me,
  entity: 'me',
  grants,
})

export const ChangePassword = Type.Object(
  {
    password: Password,
    twoFactorCode: Type.Optional(TwoFactorCode),
    newPassword: Password,
    invalidateExistingTokens: Type.Optional(
      Type.Boolean({ description: 'whether all other sessions end; they do unless this is false' }),
    ),
    tokenTTL: Type.Optional(TokenTtl),
  },
  closed,
)
export type ChangePassword = Static<typeof ChangePassword>

export const changePassword = route({
  operation: 'me.changePassword',
  method: 'PATCH',
  path: '/me/changePassword',
  summary: 'Changes the password, ends all sessions unless asked not to, and gives a token for a new one.',
  body: { name: 'data', schema: ChangePassword },
  reply: AuthedUser,
  grants,
})

export const refreshToken = route({
  operation: 'me.refreshToken',
  method: 'GET',
  path: '/me/refreshToken',
  summary: 'Gives a new token for a session, with the scope and the duration of the one that asks.',
  reply: AuthedUser,
  grants: { bounded: false, reads: false },
})

export const TwoFactorKey = Type.Object({
  key: Type.String({ description: 'in base32' }),
  keyUri: Type.String({ description: 'otpauth://totp/…, for a QR code' }),
})

export const TwoFactorEnable = Type.Object(
  {
    twoFactorAuthKey: Type.Optional(Type.String({ minLength: 52, maxLength: 52 })),
    password: Password,
    twoFactorCode: TwoFactorCode,
  },
  closed,
)

export const TwoFactorDisable = Type.Object({ password: Password, twoFactorCode: TwoFactorCode }, closed)

export const generateTwoFactorAuth = route({
  operation: 'me.generateTwoFactorAuth',
  method: 'PATCH',
  path: '/me/generateTwoFactorAuth',
  summary: 'Makes a key for two-factor authentication, which is in use once it was enabled with a code of it.',
  reply: TwoFactorKey,
  grants,
})

export const enableTwoFactorAuth = route({
  operation: 'me.enableTwoFactorAuth',
  method: 'PATCH',
  path: '/me/enableTwoFactorAuth',
  summary: 'Takes the generated key into use: from now on signing in needs a code of it.',
  query: meQuery,
  body: { name: 'data', schema: TwoFactorEnable },
  reply: Me,
  entity: 'me',
  grants,
})

export const disableTwoFactorAuth = route({
  operation: 'me.disableTwoFactorAuth',
  method: 'PATCH',
  path: '/me/disableTwoFactorAuth',
  summary: 'Forgets the key: from now on a password is enough.',
  query: meQuery,
  body: { name: 'data', schema: TwoFactorDisable },
  reply: Me,
  entity: 'me',
  grants,
})

export const deleteMe = route({
  operation: 'me.delete',
  method: 'POST',
  path: '/me/delete',
  summary: 'Deletes the user who calls, with their tokens; refused while they own applications.',
  body: { name: 'credentials', schema: UserCredentials },
  reply: Success,
  grants,
})

export const getMyDeviceCounts = route({
  operation: 'me.deviceCounts',
  method: 'GET',
  path: '/me/deviceCounts',
  summary: "Gives the same as for one application, of all applications of the user's own together.",
  query: Days,
  reply: DeviceCounts,
})
