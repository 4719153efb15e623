/** Devices sign in with an access key of their application. */

import { type Static, Type } from 'typebox'
import { DeviceClass } from './devices.ts'
import { route } from './route.ts'
import { DEVICE_SCOPES } from './scope-words.ts'
import { closed, ObjectId, words } from './shapes.ts'

const Secret = Type.String({ maxLength: 1024 })

export const DeviceCredentials = Type.Object(
  {
    deviceId: ObjectId,
    /** Without either there is nothing to sign in with, which is answered as a wrong one is. */
    key: Type.Optional(Secret),
    secret: Type.Optional(Secret),
    tokenTTL: Type.Optional(
      Type.Integer({ minimum: 0, description: 'seconds; a day unless given, 0 for a token that does not end' }),
    ),
    requestedScopes: Type.Optional(Type.Array(words(...DEVICE_SCOPES), { uniqueItems: true })),
  },
  closed,
)
export type DeviceCredentials = Static<typeof DeviceCredentials>

const Topics = Type.Array(Type.String({ minLength: 1, maxLength: 1024 }))

export const AuthedDevice = Type.Object({
  applicationId: ObjectId,
  deviceId: ObjectId,
  deviceClass: DeviceClass,
  token: Type.String({ minLength: 1 }),
  ownerType: words('user', 'organization'),
  filterType: words('all', 'whitelist', 'blacklist', 'none'),
  pubTopics: Topics,
  subTopics: Topics,
})
export type AuthedDevice = Static<typeof AuthedDevice>

export const authenticateDevice = route({
  operation: 'auth.authenticateDevice',
  method: 'POST',
  path: '/auth/device',
  summary: 'Gives a token for a device and an access key of its application.',
  body: { name: 'credentials', schema: DeviceCredentials },
  reply: AuthedDevice,
  authenticated: false,
})
