/**
 * Who may be mailed, and how much an application may send in an hour: mails, and callbacks once more. Anybody who may run a
 * notebook can name an address, and a replay tries a receiver six times. What counts are turns (`delivery_turns`), not
 * deliveries: a replay is the same row sent anew.
 */

import type { Queryable } from '../stores/postgres/database.ts'

export interface MailLimit {
  /** Of one application, in any sixty minutes; replays count as well. */
  readonly perHour: number
  /** Addresses, and domains as `@example.com`, in small letters; empty for anybody. */
  readonly receivers: readonly string[]
}

/** Why something may not be sent: to this one never, or for the number of the hour not now. */
export interface Refusal {
  readonly reason: 'receiver' | 'number'
  readonly message: string
}

/**
 * Why an application may not mail an address now; undefined when it may. In a transaction, others of the same application
 * wait for its end, so that two at once don't both take the last place.
 */
export async function refusalOf(
  db: Queryable,
  { perHour, receivers }: MailLimit,
  applicationId: string,
  address: string,
): Promise<Refusal | undefined> {
  if (!isReceiver(receivers, address)) {
    const message = `${address} is not among the addresses that this installation sends mails to (FIELDBOOK_MAIL_TO)`
    return { reason: 'receiver', message }
  }
  const sent = await turnsWithinTheHour(db, applicationId, 'mail')
  if (sent < perHour) return undefined
  const message = `The application has sent ${sent} mails within the last hour, and may send ${perHour} (FIELDBOOK_MAILS_PER_HOUR)`
  return { reason: 'number', message }
}

/** Why an application may not send a callback once more now; undefined when it may. Waits as `refusalOf` does. */
export async function replayRefusalOf(db: Queryable, applicationId: string, perHour: number) {
  const sent = await turnsWithinTheHour(db, applicationId, 'callback')
  if (sent < perHour) return undefined
  return `The application has replayed ${sent} callbacks within the last hour, and may replay ${perHour}`
}

/** Writes down that a delivery is about to be sent, for the next one to be counted with. */
export const countTurn = (db: Queryable, deliveryId: string) =>
  db.query(
    `insert into delivery_turns (delivery_id, application_id, kind)
     select id, application_id, kind from deliveries where id = $1`,
    [deliveryId],
  )

/** Without mails that are kept because there is no mail server. */
async function turnsWithinTheHour(db: Queryable, applicationId: string, kind: 'mail' | 'callback'): Promise<number> {
  await db.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`${kind}s of ${applicationId}`])
  await db.query(
    `delete from delivery_turns
     where application_id = $1 and kind = $2 and at <= clock_timestamp() - interval '1 hour'`,
    [applicationId, kind],
  )
  const turns = await db.one<{ count: number }>(
    `select count(*)::int as count from delivery_turns join deliveries on deliveries.id = delivery_id
     where delivery_turns.application_id = $1 and delivery_turns.kind = $2 and status <> 'kept'`,
    [applicationId, kind],
  )
  return turns?.count ?? 0
}

/** Whether an address is among those that may be mailed. */
export function isReceiver(receivers: readonly string[], address: string): boolean {
  const small = address.toLowerCase()
  return receivers.length === 0 || receivers.includes(small) || receivers.includes(small.slice(small.lastIndexOf('@')))
}
