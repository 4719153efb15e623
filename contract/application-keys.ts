/** Access keys: what devices sign in with. The secret of one is told once, when it is made. */

import { type Static, Type } from 'typebox'
import { ApplicationParams } from './applications.ts'
import { QueryParameter } from './devices.ts'
import { route } from './route.ts'
import { closed, DateTime, Description, Key, listQuery, listReply, Name, ObjectId, Success, words } from './shapes.ts'

const status = words('active', 'inactive')

/** Kept and told: there is no message broker here that topics could be of. */
const Topics = Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), { maxItems: 1000 })
const filterType = words('all', 'whitelist', 'blacklist', 'none')
const addressFilterType = words('all', 'whitelist', 'blacklist')

const Addresses = Type.Array(
  Type.String({ maxLength: 48, description: 'an IPv4 or IPv6 address, or a network as 10.0.0.0/8' }),
  { maxItems: 100 },
)

const filters = {
  filterType: Type.Optional(filterType),
  pubTopics: Type.Optional(Topics),
  subTopics: Type.Optional(Topics),
  addressFilterType: Type.Optional(addressFilterType),
  addresses: Type.Optional(Addresses),
}

const TagValue = Type.String({ minLength: 1, maxLength: 255 })
const DeviceTags = Type.Array(Type.Object({ key: Type.Optional(Key), value: Type.Optional(TagValue) }, closed), {
  maxItems: 100,
  description: 'a list of objects with key, value or both',
})

/** Which devices it is for: those with one of the ids or one of the tags; without either, all of the application. */
const devices = {
  deviceIds: Type.Optional(Type.Array(ObjectId, { maxItems: 1000 })),
  deviceTags: Type.Optional(DeviceTags),
}

export const ApplicationKeyPost = Type.Object(
  { name: Type.Optional(Name), description: Type.Optional(Description), ...devices, ...filters },
  closed,
)
export type ApplicationKeyPost = Static<typeof ApplicationKeyPost>

/** Which devices it is for is for good. */
export const ApplicationKeyPatch = Type.Object(
  {
    name: Type.Optional(Type.Union([Name, Type.Null()])),
    description: Type.Optional(Description),
    status: Type.Optional(status),
    ...filters,
  },
  closed,
)
export type ApplicationKeyPatch = Static<typeof ApplicationKeyPatch>

const byWhom = words('flow', 'user', 'apiToken')

export const ApplicationKey = Type.Object({
  id: ObjectId,
  applicationKeyId: ObjectId,
  applicationId: ObjectId,
  creationDate: DateTime,
  createdById: ObjectId,
  createdByType: byWhom,
  lastUpdated: DateTime,
  lastUpdatedById: ObjectId,
  lastUpdatedByType: byWhom,
  key: Type.String(),
  status,
  deviceIds: Type.Array(ObjectId),
  deviceTags: DeviceTags,
  name: Type.Optional(Name),
  description: Type.Optional(Description),
  filterType,
  pubTopics: Topics,
  subTopics: Topics,
  addressFilterType,
  addresses: Addresses,
})
export type ApplicationKey = Static<typeof ApplicationKey>

export const MadeApplicationKey = Type.Object({
  ...ApplicationKey.properties,
  secret: Type.String({ description: 'told once' }),
})
export type MadeApplicationKey = Static<typeof MadeApplicationKey>

const PATH = '/applications/:applicationId/keys'
const ApplicationKeyParams = Type.Object({ ...ApplicationParams.properties, applicationKeyId: ObjectId })

export const listApplicationKeys = route({
  operation: 'applicationKeys.get',
  role: 'admin',
  method: 'GET',
  path: PATH,
  summary: 'Lists the access keys of an application, without their secrets; a query takes the place of the filter.',
  params: ApplicationParams,
  query: Type.Object({
    ...listQuery(['key', 'status', 'id', 'creationDate', 'lastUpdated', 'name'], ['key', 'status', 'name']).properties,
    query: QueryParameter,
  }),
  reply: Type.Object({ ...listReply(ApplicationKey).properties, query: Type.Optional(Type.Unknown()) }),
  entity: 'applicationKeys',
})

export const createApplicationKey = route({
  operation: 'applicationKeys.post',
  role: 'admin',
  method: 'POST',
  path: PATH,
  summary: 'Makes an access key that devices sign in with, and tells its secret, this once.',
  params: ApplicationParams,
  body: { name: 'applicationKey', schema: ApplicationKeyPost },
  status: 201,
  reply: MadeApplicationKey,
  entity: 'applicationKey',
})

export const getApplicationKey = route({
  operation: 'applicationKey.get',
  role: 'admin',
  method: 'GET',
  path: `${PATH}/:applicationKeyId`,
  summary: 'Gives one access key, without its secret.',
  params: ApplicationKeyParams,
  reply: ApplicationKey,
  entity: 'applicationKey',
})

export const patchApplicationKey = route({
  operation: 'applicationKey.patch',
  role: 'admin',
  method: 'PATCH',
  path: `${PATH}/:applicationKeyId`,
  summary: 'Changes an access key; what signed in with one that is inactive is refused at once.',
  params: ApplicationKeyParams,
  body: { name: 'applicationKey', schema: ApplicationKeyPatch },
  reply: ApplicationKey,
  entity: 'applicationKey',
})

export const deleteApplicationKey = route({
  operation: 'applicationKey.delete',
  role: 'admin',
  method: 'DELETE',
  path: `${PATH}/:applicationKeyId`,
  summary: 'Deletes an access key; what signed in with it is refused from then on.',
  params: ApplicationKeyParams,
  reply: Success,
})
