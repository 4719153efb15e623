/** The log of deliveries: what an application told whom, and what became of it. */

import type { Delivery, DeliveryDetails } from '../../contract/deliveries.ts'
import { notFound } from '../ground/errors.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { type ListQuery, listPage, type Page } from './listing.ts'

interface DeliveryRow {
  id: string
  application_id: string
  kind: Delivery['kind']
  target: string
  subject: string | null
  body: string
  html: string | null
  status: Delivery['status']
  tries: number
  error: string | null
  about_type: 'execution' | 'job' | null
  about_id: string | null
  history: DeliveryDetails['history']
  created_at: Date
  next_try_at: Date | null
  ended_at: Date | null
}

export interface DeliveryFilter {
  readonly status?: Delivery['status']
  readonly kind?: Delivery['kind']
  readonly aboutId?: string
}

/** A page of deliveries without what they say, the newest first. */
export async function listDeliveries(
  db: Queryable,
  applicationId: string,
  { status, kind, aboutId, ...list }: ListQuery & DeliveryFilter,
): Promise<Page<Delivery>> {
  const source = {
    from: `deliveries where application_id = $1 and ($2::text is null or status = $2)
      and ($3::text is null or kind = $3) and ($4::text is null or about_id = $4)`,
    values: [applicationId, status ?? null, kind ?? null, aboutId?.toLowerCase() ?? null],
    sort: { creationDate: 'created_at', status: 'status', kind: 'kind', target: 'target' },
    defaultSort: 'creationDate',
    hasNulls: false,
  }
  const { filter: _, filterField: __, sortDirection = 'desc', ...plain } = list
  return listPage<DeliveryRow, Delivery>(db, source, { ...plain, sortDirection }, toDelivery)
}

/** One delivery with all there is. @throws notFound, for a foreign one as well */
export async function getDelivery(db: Queryable, applicationId: string, id: string): Promise<DeliveryDetails> {
  const row = await db.one<DeliveryRow>('select * from deliveries where id = $1 and application_id = $2', [
    id,
    applicationId,
  ])
  if (!row) throw notFound('Delivery')
  return {
    ...toDelivery(row),
    body: row.body,
    ...(row.html === null ? {} : { html: row.html }),
    history: row.history,
  }
}

const toDelivery = (row: DeliveryRow): Delivery => ({
  id: row.id,
  deliveryId: row.id,
  applicationId: row.application_id,
  kind: row.kind,
  target: row.target,
  status: row.status,
  tries: row.tries,
  creationDate: row.created_at.toISOString(),
  ...(row.about_type === null ? {} : { aboutType: row.about_type }),
  ...(row.about_id === null ? {} : { aboutId: row.about_id }),
  ...(row.next_try_at === null ? {} : { nextTryDate: row.next_try_at.toISOString() }),
  ...(row.ended_at === null ? {} : { endedDate: row.ended_at.toISOString() }),
  ...(row.error === null ? {} : { error: row.error }),
  ...(row.subject === null ? {} : { subject: row.subject }),
})
