/** The limits an application has of its own, as they are kept; and how a place is taken so that two never take the last one. */

import type { AllLimits, ApplicationLimits, CountedName, InstallationLimits } from '../../contract/limits.ts'
import { full, notFound } from '../ground/errors.ts'
import type { MostBytes } from '../ground/sizes.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { effectiveLimits } from './limits.ts'

/** @throws notFound */
export async function readApplicationLimits(db: Queryable, applicationId: string): Promise<ApplicationLimits> {
  const row = await db.one<{ limits: ApplicationLimits }>('select limits from applications where id = $1', [
    applicationId,
  ])
  if (!row) throw notFound('Application')
  return row.limits
}

/** What holds for an application: the installation's limits, lowered by its own. @throws notFound */
export const limitsOf = async (
  db: Queryable,
  applicationId: string,
  installation: InstallationLimits,
): Promise<InstallationLimits> => effectiveLimits(await readApplicationLimits(db, applicationId), installation)

/** How much one request may bring for an application. @throws notFound */
export async function mostBytes(
  db: Queryable,
  applicationId: string,
  name: MostBytes['name'],
  installation: InstallationLimits,
): Promise<MostBytes> {
  const { [name]: bytes } = await limitsOf(db, applicationId, installation)
  return bytes < installation[name]
    ? { name, bytes, of: 'application', setBy: 'set for the application' }
    : ofInstallation(name, bytes)
}

/** The same where no application is known. */
export const ofInstallation = (name: MostBytes['name'], bytes: number): MostBytes => ({
  name,
  bytes,
  of: 'installation',
  setBy: SIZE_SETTINGS[name],
})

const SIZE_SETTINGS: Record<MostBytes['name'], string> = {
  notebookBytes: 'FIELDBOOK_NOTEBOOK_SIZE',
  fileBytes: 'FIELDBOOK_FILE_SIZE',
  directFileBytes: 'FIELDBOOK_DIRECT_FILE_SIZE',
  bodyBytes: 'FIELDBOOK_BODY_SIZE',
}

/** Replaces the limits of an application, which the caller has checked. @throws notFound */
export async function setApplicationLimits(db: Queryable, applicationId: string, limits: ApplicationLimits) {
  const row = await db.one('update applications set limits = $2 where id = $1 returning id', [
    applicationId,
    JSON.stringify(limits),
  ])
  if (!row) throw notFound('Application')
}

/** Any constants of our own: the first keys of the advisory locks under which places are counted and taken. */
const LOCKS = { notebooks: 2_010_011, queuedExecutions: 2_010_012, parallelExecutions: 2_010_013 }

/**
 * Makes whoever takes a place wait for whoever is taking one, until the transaction ends: in the same application, and
 * with a limit of all applications together in any of them. What is counted by a statement after this one is exact.
 */
export async function holdPlaces(
  tx: Queryable,
  name: keyof typeof LOCKS,
  applicationId: string,
  total: number,
): Promise<void> {
  // The lock of all comes first: in the other order two could wait for each other.
  if (total > 0) await tx.query('select pg_advisory_xact_lock($1, 0)', [LOCKS[name]])
  await tx.query('select pg_advisory_xact_lock($1, hashtext($2))', [LOCKS[name], applicationId])
}

/** Makes whoever starts an execution wait for whoever is starting one: which application is next is decided over all. */
export const holdStarts = (tx: Queryable) => tx.query('select pg_advisory_xact_lock($1, 0)', [LOCKS.parallelExecutions])

/** How much there is of something that is counted. */
export interface Used {
  readonly ofApplication: number
  readonly ofAll: number
}

export interface Reached {
  readonly name: CountedName
  readonly of: 'application' | 'installation'
  readonly allowed: number
  readonly used: number
  /** Where the limit was set, for the message. */
  readonly setBy: string
}

const SETTINGS: Record<CountedName, string> = {
  notebooks: 'NOTEBOOKS',
  minutesPerMonth: 'MINUTES',
  parallelExecutions: 'PARALLEL',
  queuedExecutions: 'QUEUE',
}

/** Which limit leaves no place for so many more, if any does; the application's own is named first. */
export function limitReached(
  name: CountedName,
  used: Used,
  own: Pick<AllLimits, CountedName>,
  installation: InstallationLimits,
  wanted = 1,
): Reached | undefined {
  const [allowed, total] = [own[name], installation.total[name]]
  if (allowed > 0 && used.ofApplication + wanted > allowed) {
    const isOwn = allowed !== installation[name]
    const setBy = isOwn ? 'set for the application' : `FIELDBOOK_APPLICATION_${SETTINGS[name]}`
    return { name, of: 'application', allowed, used: used.ofApplication, setBy }
  }
  if (total > 0 && used.ofAll + wanted > total) {
    return { name, of: 'installation', allowed: total, used: used.ofAll, setBy: `FIELDBOOK_${SETTINGS[name]}` }
  }
  return undefined
}

/** How refusals call whose limit it is. */
export const ownerOf = ({ of }: Reached) => (of === 'application' ? 'this application' : 'all applications together')

/** The fields of a refusal, without what only its sentence says. */
export const factsOf = ({ name, of, allowed, used }: Reached) => ({ name, of, allowed, used })

/**
 * Makes sure that one more notebook may be made in this transaction. @throws full
 */
export async function requireNotebookPlace(
  tx: Queryable,
  applicationId: string,
  installation: InstallationLimits,
): Promise<void> {
  await holdPlaces(tx, 'notebooks', applicationId, installation.total.notebooks)
  const limits = await limitsOf(tx, applicationId, installation)
  if (limits.notebooks === 0 && installation.total.notebooks === 0) return
  const used = await tx.one<Used>(
    `select count(*) filter (where application_id = $1)::int as "ofApplication", count(*)::int as "ofAll"
     from notebooks join applications on applications.id = application_id and deleted_at is null`,
    [applicationId],
  )
  const reached = used && limitReached('notebooks', used, limits, installation)
  if (!reached) return
  throw full(
    `There are ${reached.used} notebooks of ${ownerOf(reached)}, and at most ${reached.allowed} are allowed (${reached.setBy}); delete one first`,
    factsOf(reached),
  )
}
