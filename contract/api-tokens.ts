/** Tokens for programs: of an application, which know no other, or of a user. Their text is told once, when they are made. */

import { type Static, Type } from 'typebox'
import { ApplicationParams } from './applications.ts'
import { route } from './route.ts'
import { closed, DateTime, Description, listQuery, listReply, Name, ObjectId, Success, words } from './shapes.ts'

const status = words('active', 'inactive')

/** Refused whatever they say: they bound a token within organizations, and a bound that nobody keeps is none. */
const ofOrganizations = {
  defaultRole: Type.Optional(words('admin', 'edit', 'collaborate', 'view', 'none')),
  orgRoles: Type.Optional(Type.Array(Type.Object({}), { maxItems: 25 })),
}

const changeable = {
  description: Type.Optional(Description),
  status: Type.Optional(status),
  ...ofOrganizations,
}

const Scope = Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), { uniqueItems: true, maxItems: 1000 })

export const ApiTokenPost = Type.Object(
  { name: Name, ...changeable, expirationDate: Type.Optional(DateTime), scope: Type.Optional(Scope) },
  closed,
)
export type ApiTokenPost = Static<typeof ApiTokenPost>

/** What a token may do, and until when, is for good. */
export const ApiTokenPatch = Type.Object({ name: Type.Optional(Name), ...changeable }, closed)
export type ApiTokenPatch = Static<typeof ApiTokenPatch>

const owner = { ownerId: ObjectId, ownerType: words('application', 'user') }

export const ApiToken = Type.Object({
  id: ObjectId,
  apiTokenId: ObjectId,
  ...owner,
  creatorId: ObjectId,
  creatorType: words('apiToken', 'user'),
  creatorName: Type.String({ maxLength: 1024 }),
  name: Name,
  description: Type.Optional(Description),
  creationDate: DateTime,
  lastUpdated: DateTime,
  expirationDate: Type.Optional(DateTime),
  scope: Type.Array(Type.String()),
  status,
  token: Type.Optional(Type.String({ minLength: 1, description: 'told once, when it is made' })),
})
export type ApiToken = Static<typeof ApiToken>

const ListQuery = listQuery(
  ['name', 'status', 'id', 'creationDate', 'lastUpdated', 'expirationDate'],
  ['name', 'status'],
)

const { applicationId: _, ...paged } = listReply(ApiToken).properties
export const ApiTokens = Type.Object({ ...paged, ...owner })

const ApplicationApiTokenParams = Type.Object({ ...ApplicationParams.properties, apiTokenId: ObjectId })
const UserApiTokenParams = Type.Object({ apiTokenId: ObjectId })

const [OF_APPLICATION, OF_USER] = ['/applications/:applicationId/tokens', '/me/tokens']

export const listApplicationApiTokens = route({
  operation: 'applicationApiTokens.get',
  role: 'admin',
  method: 'GET',
  path: OF_APPLICATION,
  summary: 'Lists the API tokens of an application, without their texts.',
  params: ApplicationParams,
  query: ListQuery,
  reply: ApiTokens,
  entity: 'apiTokens',
})

export const createApplicationApiToken = route({
  operation: 'applicationApiTokens.post',
  grants: { bounded: false },
  role: 'admin',
  method: 'POST',
  path: OF_APPLICATION,
  summary: 'Makes an API token that is good for this application alone, and tells its text, this once.',
  params: ApplicationParams,
  body: { name: 'apiToken', schema: ApiTokenPost },
  status: 201,
  reply: ApiToken,
  entity: 'apiToken',
})

export const getApplicationApiToken = route({
  operation: 'applicationApiToken.get',
  role: 'admin',
  method: 'GET',
  path: `${OF_APPLICATION}/:apiTokenId`,
  summary: 'Gives one API token of an application, without its text.',
  params: ApplicationApiTokenParams,
  reply: ApiToken,
  entity: 'apiToken',
})

export const patchApplicationApiToken = route({
  operation: 'applicationApiToken.patch',
  grants: { bounded: false },
  role: 'admin',
  method: 'PATCH',
  path: `${OF_APPLICATION}/:apiTokenId`,
  summary: 'Changes the name, description or status of an API token; one that is inactive is refused at once.',
  params: ApplicationApiTokenParams,
  body: { name: 'apiToken', schema: ApiTokenPatch },
  reply: ApiToken,
  entity: 'apiToken',
})

export const deleteApplicationApiToken = route({
  operation: 'applicationApiToken.delete',
  grants: { bounded: false },
  role: 'admin',
  method: 'DELETE',
  path: `${OF_APPLICATION}/:apiTokenId`,
  summary: 'Deletes an API token, which is refused from then on.',
  params: ApplicationApiTokenParams,
  reply: Success,
})

export const listUserApiTokens = route({
  operation: 'userApiTokens.get',
  method: 'GET',
  path: OF_USER,
  summary: 'Lists the API tokens of the user who calls, without their texts.',
  query: ListQuery,
  reply: ApiTokens,
  entity: 'apiTokens',
})

export const createUserApiToken = route({
  operation: 'userApiTokens.post',
  grants: { bounded: false },
  method: 'POST',
  path: OF_USER,
  summary: 'Makes an API token that acts for the user who calls, and tells its text, this once.',
  body: { name: 'apiToken', schema: ApiTokenPost },
  status: 201,
  reply: ApiToken,
  entity: 'apiToken',
})

export const getUserApiToken = route({
  operation: 'userApiToken.get',
  method: 'GET',
  path: `${OF_USER}/:apiTokenId`,
  summary: 'Gives one API token of the user who calls, without its text.',
  params: UserApiTokenParams,
  reply: ApiToken,
  entity: 'apiToken',
})

export const patchUserApiToken = route({
  operation: 'userApiToken.patch',
  grants: { bounded: false },
  method: 'PATCH',
  path: `${OF_USER}/:apiTokenId`,
  summary: 'Changes the name, description or status of an API token; one that is inactive is refused at once.',
  params: UserApiTokenParams,
  body: { name: 'apiToken', schema: ApiTokenPatch },
  reply: ApiToken,
  entity: 'apiToken',
})

export const deleteUserApiToken = route({
  operation: 'userApiToken.delete',
  grants: { bounded: false },
  method: 'DELETE',
  path: `${OF_USER}/:apiTokenId`,
  summary: 'Deletes an API token, which is refused from then on.',
  params: UserApiTokenParams,
  reply: Success,
})
