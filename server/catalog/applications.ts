/** Applications: made, listed and found for the user who owns them. */

import type { Application, ApplicationGlobal, ApplicationPost } from '../../contract/applications.ts'
import { invalid, notFound } from '../ground/errors.ts'
import { newId } from '../ground/ids.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { type ListQuery, listPage, type Page } from './listing.ts'

interface ApplicationRow {
  id: string
  owner_id: string
  name: string
  description: string | null
  globals: ApplicationGlobal[]
  created_at: Date
  updated_at: Date
}

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
})

/** @throws invalid when the value of a global is not JSON */
export async function createApplication(db: Queryable, ownerId: string, post: ApplicationPost): Promise<Application> {
  const globals = post.globals ?? []
  for (const [index, { json }] of globals.entries()) requireJson(json, `application.globals.${index}.json`)
  const [row] = await db.query<ApplicationRow>(
    `insert into applications (id, owner_id, name, description, globals) values ($1, $2, $3, $4, $5) returning *`,
    [newId(), ownerId, post.name, post.description ?? null, JSON.stringify(globals)],
  )
  if (!row) throw new Error('the insert gave no row')
  return toApplication(row)
}

/** The applications a user owns. */
export async function listApplications(db: Queryable, ownerId: string, query: ListQuery): Promise<Page<Application>> {
  const source = {
    from: 'applications where owner_id = $1',
    values: [ownerId],
    sort: { name: 'name', id: 'id', creationDate: 'created_at', lastUpdated: 'updated_at' },
    defaultSort: 'name',
  }
  return listPage(db, source, query, toApplication)
}

/** @throws notFound when there is none of that id that this user owns */
export async function getApplication(db: Queryable, ownerId: string, id: string): Promise<Application> {
  const row = await db.one<ApplicationRow>('select * from applications where id = $1 and owner_id = $2', [id, ownerId])
  if (!row) throw notFound('Application')
  return toApplication(row)
}

/** The id of an application, once it is known to be the user's; absent and foreign look the same. @throws notFound */
export const enterApplication = async (db: Queryable, ownerId: string, id: string): Promise<string> =>
  (await getApplication(db, ownerId, id)).id

/** The globals of an application as templates see them: key → parsed value. */
export async function readGlobals(db: Queryable, applicationId: string): Promise<Record<string, unknown>> {
  const row = await db.one<{ globals: ApplicationGlobal[] }>('select globals from applications where id = $1', [
    applicationId,
  ])
  return Object.fromEntries((row?.globals ?? []).map(({ key, json }) => [key, JSON.parse(json)]))
}

function requireJson(text: string, field: string): void {
  try {
    JSON.parse(text)
  } catch (cause) {
    throw invalid(`${field} must be JSON text`, cause)
  }
}
