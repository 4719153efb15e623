/** Applications: the tenant everything else belongs to. */

import { type Static, Type } from 'typebox'
import { route } from './route.ts'
import { closed, DateTime, Key, listQuery, listReply, Name, ObjectId } from './shapes.ts'

export const ApplicationParams = Type.Object({ applicationId: ObjectId })

export const ApplicationGlobal = Type.Object(
  {
    key: Key,
    json: Type.String({ minLength: 1, maxLength: 32767 }),
    cloudOnly: Type.Optional(Type.Boolean()),
    description: Type.Optional(Type.String({ maxLength: 1024 })),
  },
  closed,
)
export type ApplicationGlobal = Static<typeof ApplicationGlobal>

export const ApplicationPost = Type.Object(
  {
    name: Name,
    description: Type.Optional(Type.String({ maxLength: 1024 })),
    globals: Type.Optional(Type.Array(ApplicationGlobal, { maxItems: 100 })),
  },
  closed,
)
export type ApplicationPost = Static<typeof ApplicationPost>

export const Application = Type.Object({
  id: ObjectId,
  applicationId: ObjectId,
  creationDate: DateTime,
  lastUpdated: DateTime,
  ownerId: ObjectId,
  ownerType: Type.Literal('user'),
  name: Name,
  description: Type.Optional(Type.String()),
  globals: Type.Array(ApplicationGlobal),
})
export type Application = Static<typeof Application>

export const createApplication = route({
  operation: 'applications.post',
  method: 'POST',
  path: '/applications',
  summary: 'Creates an application owned by the caller.',
  body: { name: 'application', schema: ApplicationPost },
  status: 201,
  reply: Application,
  entity: 'application',
})

export const listApplications = route({
  operation: 'applications.get',
  method: 'GET',
  path: '/applications',
  summary: 'Lists the applications the caller can reach.',
  query: listQuery(['name', 'id', 'creationDate', 'lastUpdated'], ['name']),
  reply: listReply(Application),
  entity: 'applications',
})

export const getApplication = route({
  operation: 'application.get',
  method: 'GET',
  path: '/applications/:applicationId',
  summary: 'Gives one application.',
  params: ApplicationParams,
  reply: Application,
  entity: 'application',
})
