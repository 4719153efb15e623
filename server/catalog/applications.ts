/** Applications: made, listed, changed and found, and no longer seen once deleted. Who may see one is decided in access/entry.ts. */

import type {
  Application,
  ApplicationGlobal,
  ApplicationPatch,
  ApplicationPost,
  GlobalPatch,
} from '../../contract/applications.ts'
import { invalid, notFound } from '../ground/errors.ts'
import { newId } from '../ground/ids.ts'
import { parseJson } from '../ground/json.ts'
import type { Database, Queryable } from '../stores/postgres/database.ts'
import { type ListQuery, listPage, type Page } from './listing.ts'

interface ApplicationRow {
  id: string
  owner_id: string
  name: string
  description: string | null
  globals: ApplicationGlobal[]
  told: Told
  created_at: Date
  updated_at: Date
}

/** What is kept and given back without any meaning here. */
type Told = Pick<
  Application,
  'endpointSlug' | 'expUserTokenCutoff' | 'endpointDefaultCors' | 'blobUrlTTL' | 'appliedTemplateIds' | 'ftueTracking'
>

const toApplication = (row: ApplicationRow): Application => ({
  id: row.id,
  applicationId: row.id,
  creationDate: row.created_at.toISOString(),
  lastUpdated: row.updated_at.toISOString(),
  ownerId: row.owner_id,
  ownerType: 'user',
  name: row.name,
  ...(row.description === null ? {} : { description: row.description }),
  globals: row.globals,
  ...row.told,
})

export const MAX_GLOBALS = 100

/** @throws invalid when a global is not JSON or there twice, or something is asked for that does not exist here */
export async function createApplication(db: Queryable, ownerId: string, post: ApplicationPost): Promise<Application> {
  const { name, description = null, globals = [], ...rest } = post
  requireGlobals(globals)
  const row = await db.one<ApplicationRow>(
    `insert into applications (id, owner_id, name, description, globals, told) values ($1, $2, $3, $4, $5, $6)
     returning *`,
    [newId(), ownerId, name, description, JSON.stringify(globals), JSON.stringify(toldOf(rest))],
  )
  if (!row) throw new Error('the insert gave no row')
  return toApplication(row)
}

/** The applications a user owns or was given a share of; of an organization there are none. */
export async function listApplications(
  db: Queryable,
  userId: string,
  { orgId, ...query }: ListQuery & { readonly orgId?: string },
): Promise<Page<Application>> {
  const source = {
    from: `applications where deleted_at is null and (owner_id = $1 or exists (
      select from application_members m where m.application_id = applications.id and m.user_id = $1))${orgId ? ' and false' : ''}`,
    values: [userId],
    sort: { name: 'name', id: 'id', creationDate: 'created_at', ownerId: 'owner_id', lastUpdated: 'updated_at' },
    defaultSort: 'name',
  }
  return listPage(db, source, query, toApplication)
}

const THERE = 'id = $1 and deleted_at is null'

/** @throws notFound when there is none of that id, or it was deleted */
export async function getApplication(db: Queryable, id: string): Promise<Application> {
  const row = await db.one<ApplicationRow>(`select * from applications where ${THERE}`, [id])
  if (!row) throw notFound('Application')
  return toApplication(row)
}

/** Changes what is given, leaves the rest; globals are replaced whole. @throws notFound, invalid as for creating */
export async function patchApplication(db: Queryable, id: string, patch: ApplicationPatch): Promise<Application> {
  const { name = null, description = null, globals, ...rest } = patch
  if (globals) requireGlobals(globals)
  const row = await db.one<ApplicationRow>(
    `update applications set name = coalesce($2, name), description = coalesce($3, description),
       globals = coalesce($4::jsonb, globals), told = told || $5::jsonb, updated_at = now()
     where ${THERE} returning *`,
    [id, name, description, globals ? JSON.stringify(globals) : null, JSON.stringify(toldOf(rest))],
  )
  if (!row) throw notFound('Application')
  return toApplication(row)
}

/**
 * Changes single globals: one whose json is null goes, one that is there stays in its place, a new one comes last. Two
 * changes at once lose nothing.
 * @throws notFound, invalid when a new one has no json, or one is not JSON, or there would be too many
 */
export async function patchGlobals(db: Database, id: string, patches: readonly GlobalPatch[]): Promise<Application> {
  return db.transaction(async (tx) => {
    const held = await tx.one<ApplicationRow>(`select * from applications where ${THERE} for no key update`, [id])
    if (!held) throw notFound('Application')
    const globals = patches.reduce(mergeGlobal, held.globals)
    if (globals.length > MAX_GLOBALS) throw invalid(`An application has at most ${MAX_GLOBALS} globals`)
    const row = await tx.one<ApplicationRow>(
      `update applications set globals = $2, updated_at = now() where ${THERE} returning *`,
      [id, JSON.stringify(globals)],
    )
    if (!row) throw notFound('Application')
    return toApplication(row)
  })
}

/** The globals with one change applied, the order of the others kept. @throws invalid */
export function mergeGlobal(
  globals: readonly ApplicationGlobal[],
  { json, ...patch }: GlobalPatch,
  index: number,
): ApplicationGlobal[] {
  if (json === null) return globals.filter(({ key }) => key !== patch.key)
  if (json !== undefined) parseJson(json, `globals.${index}.json`)
  const change = { ...patch, ...(json === undefined ? {} : { json }) }
  if (globals.some(({ key }) => key === patch.key)) {
    return globals.map((global) => (global.key === patch.key ? { ...global, ...change } : global))
  }
  if (json === undefined) throw invalid(`globals.${index}.json is required for the new global "${patch.key}"`)
  return [...globals, { ...change, json }]
}

/** The globals of an application as templates see them: key → parsed value. */
export async function readGlobals(db: Queryable, applicationId: string): Promise<Record<string, unknown>> {
  const row = await db.one<{ globals: ApplicationGlobal[] }>('select globals from applications where id = $1', [
    applicationId,
  ])
  return Object.fromEntries((row?.globals ?? []).map(({ key, json }) => [key, JSON.parse(json)]))
}

/** Things that are not there are refused when asked for; null takes nothing away, because there is nothing. */
function toldOf({
  archiveConfig,
  orgId,
  applicationTemplateId,
  ...told
}: Omit<ApplicationPost & ApplicationPatch, 'name' | 'description' | 'globals'>): Told {
  if (archiveConfig) throw invalid('application.archiveConfig must be left out: archives are not written here')
  if (orgId) throw invalid('application.orgId must be left out: there are no organizations here')
  if (applicationTemplateId)
    throw invalid('application.applicationTemplateId must be left out: there are no templates here')
  return told
}

function requireGlobals(globals: readonly ApplicationGlobal[]): void {
  const keys = new Set<string>()
  for (const [index, { key, json }] of globals.entries()) {
    parseJson(json, `application.globals.${index}.json`)
    if (keys.has(key)) throw invalid(`application.globals.${index}.key "${key}" is there twice`)
    keys.add(key)
  }
}
