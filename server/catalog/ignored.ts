/** What devices reported and was not stored, as people read it. */

import type { getIgnored } from '../../contract/ignored.ts'
import type { QueryOf, ReplyOf } from '../../contract/route.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { readIgnored } from '../stores/telemetry/ignored.ts'
import { wholeNumber } from './listing.ts'

/** The counts of an application, and of its devices page by page. */
export async function listIgnored(
  db: Queryable,
  applicationId: string,
  query: QueryOf<typeof getIgnored>,
): Promise<ReplyOf<typeof getIgnored>> {
  const perPage = wholeNumber(query.perPage, 100, 1, 1000)
  const page = wholeNumber(query.page, 0, 0, 1_000_000)
  const wanted = { deviceId: query.deviceId?.toLowerCase(), limit: perPage, offset: page * perPage }
  const { rows, devices, total } = await readIgnored(db, applicationId, wanted)
  return {
    applicationId,
    ignored: total,
    items: rows.map(({ device_id, counts, last_at }) => ({
      deviceId: device_id,
      lastIgnored: last_at.toISOString(),
      ignored: counts,
    })),
    count: rows.length,
    totalCount: devices,
    perPage,
    page,
  }
}
