/** Our own: what was told of ends, by mail or callback, what became of it, and the secret that callbacks are signed with. */

import { type Static, Type } from 'typebox'
import { ApplicationParams } from './applications.ts'
import { route } from './route.ts'
import { Count, DateTime, listQuery, listReply, ObjectId, Success, Text, words } from './shapes.ts'

const DeliveryKind = words('mail', 'callback')
const DeliveryStatus = words('waiting', 'delivered', 'kept', 'failed', 'refused')

export const Delivery = Type.Object({
  id: ObjectId,
  deliveryId: Type.String({
    minLength: 1,
    description: 'what a callback carries as X-Fieldbook-Delivery, the same on every try',
  }),
  applicationId: ObjectId,
  kind: DeliveryKind,
  target: Type.String({ minLength: 1, description: 'an e-mail address, or a URL' }),
  status: Type.Unsafe<Static<typeof DeliveryStatus>>({
    ...DeliveryStatus,
    description:
      'kept: a mail where there is no mail server; refused: a mail that may not be sent; failed: after six tries',
  }),
  tries: Type.Integer({ minimum: 0, description: 'since it was told, or replayed' }),
  creationDate: DateTime,
  aboutType: Type.Optional(words('execution', 'job')),
  aboutId: Type.Optional(ObjectId),
  nextTryDate: Type.Optional(DateTime),
  endedDate: Type.Optional(DateTime),
  error: Type.Optional(Type.String({ minLength: 1, description: 'of the last try' })),
  subject: Type.Optional(Text),
})
export type Delivery = Static<typeof Delivery>

export const DeliveryDetails = Type.Object({
  ...Delivery.properties,
  body: Type.String({ description: 'the JSON of a callback as it is posted, the text of a mail' }),
  html: Type.Optional(Type.String({ description: 'the page of a mail' })),
  history: Type.Array(Type.Object({ at: DateTime, tookMs: Count, error: Type.Optional(Text) }), {
    description: 'the last fifty tries, also those before a replay',
  }),
})
export type DeliveryDetails = Static<typeof DeliveryDetails>

const DeliveryParams = Type.Object({ ...ApplicationParams.properties, deliveryId: ObjectId })

export const listDeliveries = route({
  operation: 'deliveries.get',
  method: 'GET',
  path: '/applications/:applicationId/deliveries',
  summary: 'Lists mails and callbacks of an application, the newest first.',
  params: ApplicationParams,
  query: Type.Object({
    ...listQuery(['creationDate', 'status', 'kind', 'target'], []).properties,
    status: Type.Optional(DeliveryStatus),
    kind: Type.Optional(DeliveryKind),
    aboutId: Type.Optional(ObjectId),
  }),
  reply: listReply(Delivery),
  entity: 'deliveries',
})

export const getDelivery = route({
  operation: 'delivery.get',
  method: 'GET',
  path: '/applications/:applicationId/deliveries/:deliveryId',
  summary: 'Gives one mail or callback with what it says and what became of each try.',
  params: DeliveryParams,
  reply: DeliveryDetails,
  entity: 'delivery',
})

export const replayDelivery = route({
  operation: 'delivery.replay',
  method: 'POST',
  path: '/applications/:applicationId/deliveries/:deliveryId/replay',
  summary:
    'Sends a mail or callback once more, with the same id and content: at once, and then as often as a new one. One that still waits is refused with 409.',
  params: DeliveryParams,
  reply: Success,
})

export const CallbackSecret = Type.Object({
  applicationId: ObjectId,
  secret: Type.String({ minLength: 1, description: 'the key of the HMAC, as the text it is' }),
  rotatedDate: Type.Optional(DateTime),
  previousUntil: Type.Optional(
    Type.String({ format: 'date-time', description: 'until when callbacks are signed with the secret before as well' }),
  ),
})
export type CallbackSecret = Static<typeof CallbackSecret>

export const getCallbackSecret = route({
  operation: 'callbackSecret.get',
  // Whoever knows it can sign in the name of the application: more than reading.
  grants: { reads: false },
  role: 'admin',
  method: 'GET',
  path: '/applications/:applicationId/callbackSecret',
  summary: 'Gives the secret that the callbacks of this application are signed with.',
  params: ApplicationParams,
  reply: CallbackSecret,
})

export const rotateCallbackSecret = route({
  operation: 'callbackSecret.rotate',
  role: 'admin',
  method: 'POST',
  path: '/applications/:applicationId/callbackSecret/rotate',
  summary: 'Replaces the secret of callbacks. For a day they are signed with the one before as well.',
  params: ApplicationParams,
  reply: CallbackSecret,
})
