/** Notes about `contract/device-sign-in.ts`. */

import { APPLICATION, GATEWAY } from '../example-world.ts'
import type { Notes } from '../notes.ts'

export const notes: Notes = {
  tag: { name: 'Sign-in', description: 'Getting a token.' },
  schemas: {
    DeviceCredentials: {
      is: 'Which device signs in, with which key, and what the token is to be like.',
      example: {
        deviceId: GATEWAY,
        key: '3d1c9a0e-6f0b-4f0e-9f1a-2d0f6f6f2b11',
        secret: '7b2f0c6d9e4a41f8b3d5c1a2e8f709467b2f0c6d9e4a41f8b3d5c1a2e8f70946',
        tokenTTL: 3600,
      },
    },
    AuthedDevice: {
      is: 'A device that has signed in, with its token.',
      example: {
        applicationId: APPLICATION,
        deviceId: GATEWAY,
        deviceClass: 'gateway',
        token: 'eyJhbGciOiJFZERTQSJ9.eyJzY29wZSI6WyJhbGwuRGV2aWNlIl0sImlzcyI6ImZpZWxkYm9vayJ9.c2lnbmF0dXJl',
        ownerType: 'user',
        filterType: 'all',
        pubTopics: [],
        subTopics: [],
      },
    },
  },
  routes: {
    authenticateDevice: {
      more: 'Needs no token itself. The token is for the device, its peripherals and all that is below it; everything else of the application is not there for it.',
      errors: {
        401: {
          when: 'Device, key and secret do not belong together, or the key is inactive or not for this address.',
          message: 'The device, key or secret is wrong',
        },
        429: {
          when: 'Ten sign-ins of this device with this key from this address have failed; the wait doubles with each further one, up to fifteen minutes.',
          message: 'Too many sign-ins of this device have failed; wait before the next',
        },
      },
    },
  },
}
