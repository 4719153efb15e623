/** Notes about `contract/deliveries.ts`. */

import { APPLICATION, DELIVERY, EXECUTION } from '../example-world.ts'
import type { Notes } from '../notes.ts'

const delivery = {
  id: DELIVERY,
  deliveryId: '01J9Z3K8M5Q2W7X4V6B1N0T8RD',
  applicationId: APPLICATION,
  kind: 'callback',
  target: 'https://example.com/hooks/fieldbook',
  status: 'delivered',
  tries: 2,
  creationDate: '2026-11-26T05:00:04.391Z',
  aboutType: 'execution',
  aboutId: EXECUTION,
  endedDate: '2026-11-26T05:00:35.020Z',
}
const secret = {
  applicationId: APPLICATION,
  secret: 'XkT1b0a1vJm3qS8yD5nE7cZ2rW9uH4gL6pF0iKoQxYs',
  rotatedDate: '2026-11-24T09:02:41.000Z',
}

export const notes: Notes = {
  own: true,
  tag: {
    name: 'Deliveries',
    description: 'Mails and callbacks that told of ends, and the secret callbacks are signed with.',
  },
  schemas: {
    Delivery: { is: 'A mail or callback.', example: delivery },
    DeliveryDetails: {
      is: 'A mail or callback with what it says.',
      example: {
        ...delivery,
        body: `{"executionId":"${EXECUTION}","status":"completed"}`,
        history: [
          { at: '2026-11-26T05:00:04.500Z', tookMs: 5003, error: 'No answer within 5 seconds' },
          { at: '2026-11-26T05:00:34.800Z', tookMs: 220 },
        ],
      },
    },
    CallbackSecret: { is: 'What callbacks of an application are signed with.', example: secret },
  },
  routes: {
    replayDelivery: {
      errors: {
        409: {
          when: 'It has not ended.',
          message: 'This delivery is still waiting to be sent; it can be replayed when it has ended',
        },
        429: {
          when: 'As many mails were sent, or callbacks replayed, in the last hour as may be.',
          message: '60 callbacks of this application were replayed within the hour, and no more than 60 may be',
        },
      },
    },
  },
}
