/** The log of deeds, as those read it who look after an application or the installation. */

import type { AuditEntry, getInstallationAuditLog } from '../../contract/audit-log.ts'
import type { QueryOf } from '../../contract/route.ts'
import { readMoment } from '../ground/moments.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { listPage, type Page } from './listing.ts'

type Query = Omit<QueryOf<typeof getInstallationAuditLog>, 'applicationId'>

interface DeedRow {
  readonly id: string
  readonly at: Date
  readonly application_id: string | null
  readonly actor_type: 'user' | 'apiToken' | 'device' | null
  readonly actor_id: string | null
  readonly actor_name: string | null
  readonly operation: string
  readonly path: Record<string, string>
  readonly fields: string[]
  readonly made_id: string | null
  readonly status: number | null
  readonly client_address: string | null
  readonly request_id: string | null
  readonly idempotency_id: string | null
  readonly count: number
}

/** Whose log is read: an application's, or the installation's, which ends of applications belong to as well. */
export type LogOf = { readonly applicationId: string } | 'installation'

/** A page of it, the latest first. @throws invalid for what is no time */
export async function listDeeds(db: Queryable, of: LogOf, query: Query, now: Date): Promise<Page<AuditEntry>> {
  const values: unknown[] = []
  const put = (value: unknown) => `$${values.push(value)}`
  const conditions = [
    of === 'installation'
      ? `(application_id is null or operation = 'application.delete')`
      : `application_id = ${put(of.applicationId)}`,
  ]
  const [start, end] = [readMoment('start', query.start, now), readMoment('end', query.end, now)]
  if (start) conditions.push(`at >= ${put(start)}`)
  if (end) conditions.push(`at < ${put(end)}`)
  if (query.actorId) conditions.push(`actor_id = ${put(query.actorId.toLowerCase())}`)
  if (query.operation?.endsWith('.*')) {
    conditions.push(`split_part(operation, '.', 1) = ${put(query.operation.slice(0, -2))}`)
  } else if (query.operation) conditions.push(`operation = ${put(query.operation)}`)
  const source = {
    from: `audit_log where ${conditions.join(' and ')}`,
    values,
    sort: { creationDate: 'at' },
    defaultSort: 'creationDate',
    hasNulls: false,
  }
  const { page, perPage } = query
  const list = { ...(page ? { page } : {}), ...(perPage ? { perPage } : {}), sortDirection: 'desc' }
  return listPage<DeedRow, AuditEntry>(db, source, list, toEntry)
}

const ACTORS = { user: 'User', apiToken: 'ApiToken', device: 'Device' } as const

function toEntry(row: DeedRow): AuditEntry {
  const [requestResource = '', requestAction = ''] = row.operation.split('.')
  return {
    id: row.id,
    auditLogId: row.id,
    creationDate: row.at.toISOString(),
    ...(row.application_id === null ? {} : { applicationId: row.application_id }),
    ...(row.actor_type === null ? {} : { actorType: ACTORS[row.actor_type] }),
    ...(row.actor_id === null ? {} : { actorId: row.actor_id }),
    ...(row.actor_name === null ? {} : { actorName: row.actor_name }),
    requestResource,
    requestAction,
    requestPathParams: row.path,
    ...(row.status === null ? {} : { responseStatus: row.status }),
    changedFields: row.fields,
    ...(row.made_id === null ? {} : { createdId: row.made_id }),
    ...(row.client_address === null ? {} : { clientAddress: row.client_address }),
    ...(row.request_id === null ? {} : { requestId: row.request_id }),
    ...(row.idempotency_id === null ? {} : { idempotencyId: row.idempotency_id }),
    count: row.count,
  }
}
