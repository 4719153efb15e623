/** Applications: the tenant everything else belongs to. */

import { type Static, Type } from 'typebox'
import { route } from './route.ts'
import { closed, DateTime, Key, listQuery, listReply, MomentText, Name, ObjectId, Success, words } from './shapes.ts'

export const ApplicationParams = Type.Object({ applicationId: ObjectId })

const Description = Type.String({ maxLength: 1024 })
const Json = Type.String({ minLength: 1, maxLength: 32767 })

export const ApplicationGlobal = Type.Object(
  { key: Key, json: Json, cloudOnly: Type.Optional(Type.Boolean()), description: Type.Optional(Description) },
  closed,
)
export type ApplicationGlobal = Static<typeof ApplicationGlobal>

/** What is to become of one global: changed, added, or with `json: null` deleted. */
export const GlobalPatch = Type.Object(
  {
    key: Key,
    json: Type.Optional(Type.Union([Json, Type.Null()])),
    cloudOnly: Type.Optional(Type.Boolean()),
    description: Type.Optional(Description),
  },
  closed,
)
export type GlobalPatch = Static<typeof GlobalPatch>

/** Kept and given back; what they speak of, experiences and signed addresses of blobs, is not here. */
const toldFields = {
  endpointSlug: Type.Optional(
    Type.String({
      pattern: '^[0-9a-z-]{3,63}$',
      description: '3 to 63 small letters, digits or "-"',
    }),
  ),
  expUserTokenCutoff: Type.Optional(DateTime),
  endpointDefaultCors: Type.Optional(Type.Boolean()),
  blobUrlTTL: Type.Optional(Type.Number({ minimum: 3600, maximum: 604800 })),
}

const appliedTemplateIds = Type.Optional(Type.Array(ObjectId, { maxItems: 1000 }))
const ftueTracking = Type.Optional(
  Type.Array(Type.Object({ name: Key, version: Type.Number(), status: words('skipped', 'completed') }, closed), {
    maxItems: 100,
  }),
)

const changeable = {
  description: Type.Optional(Description),
  globals: Type.Optional(Type.Array(ApplicationGlobal, { maxItems: 100 })),
  ...toldFields,
  /** Refused unless null: archives are not written here, and it would hold secrets for nothing. */
  archiveConfig: Type.Optional(Type.Union([Type.Object({}), Type.Null()])),
}

export const ApplicationPost = Type.Object(
  {
    name: Name,
    ...changeable,
    appliedTemplateIds,
    orgId: Type.Optional(ObjectId),
    applicationTemplateId: Type.Optional(ObjectId),
  },
  closed,
)
export type ApplicationPost = Static<typeof ApplicationPost>

export const ApplicationPatch = Type.Object({ name: Type.Optional(Name), ...changeable, ftueTracking }, closed)
export type ApplicationPatch = Static<typeof ApplicationPatch>

const Count = Type.Optional(Type.Integer({ minimum: 0 }))

/** What notebooks are at, and used in the month so far. */
export const RunStats = Type.Object({
  awaitingCompletion: Type.Integer({ minimum: 0 }),
  minutesThisPeriod: Type.Integer({ minimum: 0 }),
  runsThisPeriod: Type.Integer({ minimum: 0 }),
})

export const ApplicationSummary = Type.Object({
  dataTableCount: Count,
  deviceCount: Count,
  eventCount: Count,
  fileCount: Count,
  notebookCount: Count,
  notebookStats: Type.Optional(RunStats),
  privateFileCount: Count,
})
export type ApplicationSummary = Static<typeof ApplicationSummary>

export const Application = Type.Object({
  id: ObjectId,
  applicationId: ObjectId,
  creationDate: DateTime,
  lastUpdated: DateTime,
  ownerId: ObjectId,
  ownerType: Type.Literal('user'),
  name: Name,
  description: Type.Optional(Description),
  globals: Type.Array(ApplicationGlobal),
  ...toldFields,
  appliedTemplateIds,
  ftueTracking,
  summary: Type.Optional(ApplicationSummary),
})
export type Application = Static<typeof Application>

/** Comma-separated names of what the summary is to have, or not to have; with neither there is no summary. */
const summaryQuery = {
  summaryInclude: Type.Optional(Type.String({ maxLength: 1024 })),
  summaryExclude: Type.Optional(Type.String({ maxLength: 1024 })),
}

const PATH = '/applications/:applicationId'

export const createApplication = route({
  operation: 'applications.post',
  method: 'POST',
  path: '/applications',
  summary: 'Creates an application owned by the caller.',
  query: Type.Object(summaryQuery),
  body: { name: 'application', schema: ApplicationPost },
  status: 201,
  reply: Application,
  entity: 'application',
})

export const listApplications = route({
  operation: 'applications.get',
  grants: { cli: true },
  method: 'GET',
  path: '/applications',
  summary: 'Lists the applications the caller can reach.',
  query: Type.Object({
    ...listQuery(['name', 'id', 'creationDate', 'ownerId', 'lastUpdated'], ['name']).properties,
    orgId: Type.Optional(Type.String({ maxLength: 24 })),
    ...summaryQuery,
  }),
  reply: listReply(Application),
  entity: 'applications',
})

export const getApplication = route({
  operation: 'application.get',
  grants: { cli: true },
  method: 'GET',
  path: PATH,
  summary: 'Gives one application.',
  params: ApplicationParams,
  query: Type.Object(summaryQuery),
  reply: Application,
  entity: 'application',
})

export const patchApplication = route({
  operation: 'application.patch',
  grants: { cli: true },
  method: 'PATCH',
  path: PATH,
  summary: 'Changes an application; globals are replaced whole.',
  params: ApplicationParams,
  query: Type.Object(summaryQuery),
  body: { name: 'application', schema: ApplicationPatch },
  reply: Application,
  entity: 'application',
})

export const deleteApplication = route({
  operation: 'application.delete',
  role: 'admin',
  method: 'DELETE',
  path: PATH,
  summary: 'Deletes an application: runs are canceled, nobody sees it any more, and all it has is removed.',
  params: ApplicationParams,
  reply: Success,
})

export const patchGlobals = route({
  operation: 'application.globals',
  grants: { cli: true, action: 'application.patch' },
  method: 'PATCH',
  path: `${PATH}/globals`,
  summary: 'Changes single globals; one whose json is null is deleted.',
  params: ApplicationParams,
  body: { name: 'globals', schema: Type.Array(GlobalPatch, { maxItems: 100 }) },
  reply: Application,
  entity: 'application',
})

export const DeviceCounts = Type.Object({
  start: DateTime,
  end: DateTime,
  counts: Type.Array(
    Type.Object({
      date: DateTime,
      created: Type.Integer({ minimum: 0 }),
      deleted: Type.Integer({ minimum: 0 }),
      total: Type.Integer({ minimum: 0 }),
    }),
  ),
})

export const Days = Type.Object({ start: Type.Optional(MomentText), end: Type.Optional(MomentText) })

export const getDeviceCounts = route({
  operation: 'application.deviceCounts',
  method: 'GET',
  path: `${PATH}/deviceCounts`,
  summary: 'Gives how many devices were made and deleted on each UTC day, and how many there were at its end.',
  params: ApplicationParams,
  query: Days,
  reply: DeviceCounts,
})
