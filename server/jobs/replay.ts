/** Sending once more what was told: the same delivery with the same id, for a receiver that lost it or was down too long. */

import { conflict, forbidden, limited, notFound } from '../ground/errors.ts'
import type { Database, Transaction } from '../stores/postgres/database.ts'
import { countTurn, type MailLimit, refusalOf, replayRefusalOf } from './mail-limit.ts'
import { DELIVERIES, type Queue } from './queue.ts'

/**
 * @throws notFound, for a foreign one as well; conflict for one that is still being sent; limited for what may not be sent
 * now; forbidden for a mail to an address that may not be mailed
 */
export type Replay = (applicationId: string, deliveryId: string) => Promise<void>

interface Found {
  readonly kind: 'mail' | 'callback'
  readonly target: string
  readonly status: string
}

/** Callbacks of an application in any sixty minutes. A receiver that was down for long lost hundreds; each is tried six times. */
export const REPLAYED_CALLBACKS_PER_HOUR = 1000
const HOUR_SECONDS = 3600

/**
 * Over an open queue. A replay is another turn of the delivery: it is tried at once and then as often as a new one, and
 * what the queue still holds of the turn before is void.
 */
export const createReplay =
  (db: Database, queue: Queue, limit: MailLimit, callbacksPerHour = REPLAYED_CALLBACKS_PER_HOUR): Replay =>
  (applicationId, deliveryId) =>
    db.transaction(async (tx) => {
      const found = await tx.one<Found>(
        'select kind, target, status from deliveries where id = $1 and application_id = $2 for update',
        [deliveryId, applicationId],
      )
      if (!found) throw notFound('Delivery')
      if (found.status === 'waiting')
        throw conflict('This delivery is still waiting to be sent; it can be replayed when it has ended')
      await refuse(tx, found, applicationId, limit, callbacksPerHour)
      const row = await tx.one<{ turn: number }>(
        `update deliveries set status = 'waiting', turn = turn + 1, tries = 0, error = null, ended_at = null,
           next_try_at = null where id = $1 returning turn`,
        [deliveryId],
      )
      await countTurn(tx, deliveryId)
      await queue.put(tx, DELIVERIES, `${deliveryId}/${row?.turn}`)
    })

/** Throws why it may not be sent. */
async function refuse(
  tx: Transaction,
  { kind, target }: Found,
  applicationId: string,
  limit: MailLimit,
  callbacksPerHour: number,
): Promise<void> {
  if (kind === 'callback') {
    const message = await replayRefusalOf(tx, applicationId, callbacksPerHour)
    const reached = { name: 'callbackReplaysPerHour', of: 'application', allowed: callbacksPerHour } as const
    if (message) throw limited(message, reached, HOUR_SECONDS)
    return
  }
  const refusal = await refusalOf(tx, limit, applicationId, target)
  if (refusal?.reason === 'receiver') throw forbidden(refusal.message)
  const reached = { name: 'mailsPerHour', of: 'application', allowed: limit.perHour } as const
  if (refusal) throw limited(refusal.message, reached, HOUR_SECONDS)
}
