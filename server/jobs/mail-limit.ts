/**
 * Who may be mailed, and how often. Anybody who may run a notebook can name an address, so an application has a number of
 * mails an hour, and an installation may say which addresses there are.
 */

import type { Queryable } from '../stores/postgres/database.ts'

export interface MailLimit {
  /** Of one application, in any sixty minutes. */
  readonly perHour: number
  /** Addresses, and domains as `@example.com`, in small letters; empty for anybody. */
  readonly receivers: readonly string[]
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
): Promise<string | undefined> {
  if (!isAllowed(receivers, address))
    return `${address} is not among the addresses that this installation sends mails to (FIELDBOOK_MAIL_TO)`
  await db.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`mails of ${applicationId}`])
  const sent = await db.one<{ count: number }>(
    `select count(*)::int as count from deliveries
     where application_id = $1 and kind = 'mail' and status in ('waiting', 'delivered', 'failed')
       and queued_at > clock_timestamp() - interval '1 hour'`,
    [applicationId],
  )
  if ((sent?.count ?? 0) < perHour) return undefined
  return `The application has sent ${sent?.count} mails within the last hour, and may send ${perHour} (FIELDBOOK_MAILS_PER_HOUR)`
}

function isAllowed(receivers: readonly string[], address: string): boolean {
  const small = address.toLowerCase()
  return receivers.length === 0 || receivers.includes(small) || receivers.includes(small.slice(small.lastIndexOf('@')))
}
