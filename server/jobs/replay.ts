/** Sending once more what was told: the same delivery with the same id, for a receiver that lost it or was down too long. */

import { limited, notFound } from '../ground/errors.ts'
import type { Database } from '../stores/postgres/database.ts'
import { type MailLimit, refusalOf } from './mail-limit.ts'
import { DELIVERIES, type Queue } from './queue.ts'

/** @throws notFound, for a foreign one as well; limited for a mail that may not be sent now */
export type Replay = (applicationId: string, deliveryId: string) => Promise<void>

const HOUR_SECONDS = 3600

/**
 * Over an open queue. A replay is another turn of the delivery: it is tried at once and then as often as a new one, and
 * what the queue still holds of the turn before is void.
 */
export const createReplay =
  (db: Database, queue: Queue, limit: MailLimit): Replay =>
  (applicationId, deliveryId) =>
    db.transaction(async (tx) => {
      const found = await tx.one<{ kind: string; target: string }>(
        'select kind, target from deliveries where id = $1 and application_id = $2 for update',
        [deliveryId, applicationId],
      )
      if (!found) throw notFound('Delivery')
      const refusal = found.kind === 'mail' ? await refusalOf(tx, limit, applicationId, found.target) : undefined
      const reached = { name: 'mailsPerHour', of: 'application', allowed: limit.perHour } as const
      if (refusal) throw limited(refusal, reached, HOUR_SECONDS)
      const row = await tx.one<{ turn: number }>(
        `update deliveries set status = 'waiting', turn = turn + 1, tries = 0, error = null, ended_at = null,
           next_try_at = null, queued_at = clock_timestamp() where id = $1 returning turn`,
        [deliveryId],
      )
      await queue.put(tx, DELIVERIES, `${deliveryId}/${row?.turn}`)
    })
