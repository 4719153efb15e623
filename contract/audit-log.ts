/**
 * Who did what: the log of an application, and that of the installation. Words are those the original has for the log of
 * an organization, where it has one; here there are no organizations, and applications have a log of their own.
 */

import { type Static, Type } from 'typebox'
import { ApplicationParams } from './applications.ts'
import { route } from './route.ts'
import { DateTime, MomentText, ObjectId, words } from './shapes.ts'

const WORD = { minLength: 1, maxLength: 255 }

export const AuditEntry = Type.Object({
  id: ObjectId,
  auditLogId: ObjectId,
  creationDate: DateTime,
  applicationId: Type.Optional(ObjectId),
  actorType: Type.Optional(
    Type.Unsafe<'User' | 'ApiToken' | 'Device'>({
      ...words('User', 'ApiToken', 'Device'),
      description: 'missing for somebody who is not known',
    }),
  ),
  actorId: Type.Optional(ObjectId),
  actorName: Type.Optional(
    Type.String({ maxLength: 1024, description: 'as it was then: the address of a user, the name of others' }),
  ),
  requestResource: Type.String({ ...WORD, description: 'notebook of notebook.execute' }),
  requestAction: Type.String({ ...WORD, description: 'execute of notebook.execute' }),
  requestPathParams: Type.Record(Type.String(), Type.String({ maxLength: 100 }), {
    maxProperties: 10,
    description: 'the ids and names in its path',
  }),
  responseStatus: Type.Optional(
    Type.Integer({
      minimum: 200,
      maximum: 599,
      description: 'missing while it is under way, and when the service died before it was known',
    }),
  ),
  changedFields: Type.Array(Type.String({ maxLength: 100 }), {
    maxItems: 50,
    description: 'what the body had at its top, by name; never values',
  }),
  createdId: Type.Optional(Type.String({ ...WORD, description: 'what it made, or queued' })),
  clientAddress: Type.Optional(Type.String({ maxLength: 45, description: 'where the request came from' })),
  requestId: Type.Optional(Type.String({ ...WORD, description: 'the X-Request-Id of the answer' })),
  idempotencyId: Type.Optional(ObjectId),
  count: Type.Integer({ minimum: 1, description: 'how many requests it stands for, within a minute' }),
})
export type AuditEntry = Static<typeof AuditEntry>

const Query = {
  actorId: Type.Optional(ObjectId),
  operation: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z]{1,50}\\.(?:\\*|[A-Za-z]{1,50})$',
      description: 'an operation, as in notebook.execute, or all of a resource, as in notebook.*',
    }),
  ),
  start: Type.Optional(MomentText),
  end: Type.Optional(MomentText),
  page: Type.Optional(Type.String({ maxLength: 20 })),
  perPage: Type.Optional(Type.String({ maxLength: 20 })),
}

const Reply = {
  items: Type.Array(AuditEntry, { maxItems: 1000 }),
  count: Type.Integer({ minimum: 0, maximum: 1000 }),
  totalCount: Type.Integer({ minimum: 0 }),
  perPage: Type.Integer({ minimum: 1, maximum: 1000 }),
  page: Type.Integer({ minimum: 0 }),
  sortField: Type.String({ ...WORD }),
  sortDirection: Type.String({ ...WORD }),
  applicationId: Type.Optional(ObjectId),
}

export const getAuditLog = route({
  operation: 'applicationAuditLog.get',
  method: 'GET',
  path: '/applications/:applicationId/auditLog',
  summary: 'Lists who changed what in an application, and who was refused, the latest first.',
  role: 'admin',
  params: ApplicationParams,
  query: Type.Object(Query),
  reply: Type.Object(Reply),
})

export const getInstallationAuditLog = route({
  operation: 'instance.auditLog',
  owner: true,
  method: 'GET',
  path: '/auditLog',
  summary:
    'Lists sign-ins, changes of users and of what they have, and applications that were deleted; for owners of the installation.',
  query: Type.Object({
    ...Query,
    applicationId: Type.Optional(
      Type.String({ ...ObjectId, description: 'the log of this application instead, also of one that is gone' }),
    ),
  }),
  reply: Type.Object(Reply),
})
