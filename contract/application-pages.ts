/** What an application has beside its resources: a readme, and a search through what is in it. */

import { type Static, Type } from 'typebox'
import { ApplicationParams } from './applications.ts'
import { route } from './route.ts'
import { closed, DateTime, ObjectId } from './shapes.ts'

export const Readme = Type.Object({
  applicationId: ObjectId,
  content: Type.String(),
  lastUpdated: Type.Optional(DateTime),
  lastUpdatedById: Type.Optional(ObjectId),
  lastUpdatedByType: Type.Optional(
    Type.Union([Type.Literal('user'), Type.Literal('apiToken'), Type.Literal('device')]),
  ),
})
export type Readme = Static<typeof Readme>

export const getReadme = route({
  operation: 'application.readme',
  grants: { cli: true, action: 'application.get' },
  method: 'GET',
  path: '/applications/:applicationId/readme',
  summary: 'Gives the readme; empty before anybody wrote one.',
  params: ApplicationParams,
  reply: Readme,
})

export const patchReadme = route({
  operation: 'application.readmePatch',
  grants: { cli: true, action: 'application.patch' },
  method: 'PATCH',
  path: '/applications/:applicationId/readme',
  summary: 'Replaces the readme.',
  params: ApplicationParams,
  body: {
    name: 'readme',
    schema: Type.Object({ content: Type.Optional(Type.String({ maxLength: 131072 })) }, closed),
  },
  reply: Readme,
})

export const Found = Type.Object({
  id: ObjectId,
  name: Type.String(),
  metadata: Type.Optional(
    Type.Object({
      descriptor: Type.Optional(Type.String()),
      parentDirectory: Type.Optional(Type.String()),
      contentType: Type.Optional(Type.String()),
    }),
  ),
  _type: Type.String(),
})
export type Found = Static<typeof Found>

export const searchApplication = route({
  operation: 'application.search',
  method: 'GET',
  path: '/applications/:applicationId/search',
  summary: 'Finds devices, notebooks, data tables, events and public files whose name has the text in it.',
  params: ApplicationParams,
  query: Type.Object({ filter: Type.String({ minLength: 1, maxLength: 255 }) }),
  reply: Type.Array(Found),
})
