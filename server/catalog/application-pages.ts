/** What an application has beside its resources: a readme, and a search through what is in it. */

import type { Found, Readme } from '../../contract/application-pages.ts'
import type { Actor } from '../access/callers.ts'
import type { Queryable } from '../stores/postgres/database.ts'

interface StoredReadme {
  readonly content: string
  readonly lastUpdated: string
  readonly userId: string
  /** Absent in those written when there were only users. */
  readonly by?: Actor['type']
}

/** The readme; empty before anybody wrote one. The caller has found the application. */
export async function getReadme(db: Queryable, applicationId: string): Promise<Readme> {
  const row = await db.one<{ readme: StoredReadme | null }>('select readme from applications where id = $1', [
    applicationId,
  ])
  return toReadme(applicationId, row?.readme ?? undefined)
}

/** Replaces the readme; without content it stays, and nothing is said of who was here. */
export async function setReadme(
  db: Queryable,
  applicationId: string,
  actor: Actor,
  content: string | undefined,
  now: Date,
): Promise<Readme> {
  if (content === undefined) return getReadme(db, applicationId)
  const readme: StoredReadme = { content, lastUpdated: now.toISOString(), userId: actor.id, by: actor.type }
  await db.query('update applications set readme = $2 where id = $1', [applicationId, JSON.stringify(readme)])
  return toReadme(applicationId, readme)
}

const toReadme = (applicationId: string, readme: StoredReadme | undefined): Readme => ({
  applicationId,
  content: readme?.content ?? '',
  ...(readme
    ? { lastUpdated: readme.lastUpdated, lastUpdatedById: readme.userId, lastUpdatedByType: readme.by ?? 'user' }
    : {}),
})

/** Of each kind at most this many are found. */
const MAX_FOUND = 20

/** Things of the application whose name has the text in it, in any case: of each kind the first by name. */
export async function searchApplication(db: Queryable, applicationId: string, text: string): Promise<Found[]> {
  const kinds = SEARCHED.map(
    ({ type, table, name, metadata, where }) => `(
      select '${type}' as "_type", id, ${name} as name, ${metadata} as metadata from ${table}
      where application_id = $1 and strpos(lower(${name}), lower($2)) > 0${where} order by ${name}, id limit ${MAX_FOUND})`,
  )
  const rows = await db.query<Found & { metadata: object | null }>(kinds.join(' union all '), [applicationId, text])
  return rows.map(({ metadata, ...found }) => (metadata === null ? found : { ...found, metadata }))
}

const DESCRIBED = `case when description is null then null else jsonb_build_object('descriptor', description) end`

const SEARCHED = [
  { type: 'device', table: 'devices', name: 'name', metadata: DESCRIBED, where: ' and deleted_at is null' },
  { type: 'notebook', table: 'notebooks', name: 'name', metadata: DESCRIBED, where: '' },
  { type: 'dataTable', table: 'data_tables', name: 'name', metadata: DESCRIBED, where: '' },
  { type: 'event', table: 'events', name: 'subject', metadata: 'null::jsonb', where: '' },
  {
    type: 'file',
    table: 'files',
    name: 'name',
    metadata: `jsonb_strip_nulls(jsonb_build_object('parentDirectory', parent_directory, 'contentType', content_type))`,
    where: ' and not private',
  },
]
