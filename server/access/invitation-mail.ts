/**
 * The mail of an invitation. It is sent at once and not queued: what waits in the queue is written down, and the secret
 * must not be. When it can't be sent that is told to whoever invites, who has the secret anyway.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { messageOf } from '../ground/errors.ts'
import { newId } from '../ground/ids.ts'
import { type MailContent, mailOf } from '../jobs/letter.ts'
import { isReceiver } from '../jobs/mail-limit.ts'
import { createMailer, type MailOptions } from '../outgoing/mail.ts'
import type { MadeInvitation } from './invitations.ts'

export interface InvitationMailOptions {
  readonly mail: MailOptions
  readonly mailLimit: { readonly receivers: readonly string[] }
}

export type MailOutcome = { readonly status: 'sent' } | { readonly status: 'notSent'; readonly reason: string }

const SEND_MS = 20_000

/** Mails an invitation. Never fails: what went wrong is its answer. */
export async function mailInvitation(
  { mail, mailLimit }: InvitationMailOptions,
  to: string,
  invitation: MadeInvitation,
  url: string,
): Promise<MailOutcome> {
  using mailer = createMailer(mail)
  if (!mailer) return { status: 'notSent', reason: 'there is no mail server (FIELDBOOK_SMTP_URL)' }
  if (!isReceiver(mailLimit.receivers, to)) {
    return { status: 'notSent', reason: `${to} is not among the addresses that are mailed (FIELDBOOK_MAIL_TO)` }
  }
  const late = new AbortController()
  try {
    const sent = mailer.send({ to, ...invitationLetter(invitation, url), messageId: `<${newId()}@fieldbook>` })
    const limit = pause(SEND_MS, undefined, { signal: late.signal }).then(() => {
      throw new Error(`the mail server took longer than ${SEND_MS / 1000} s`)
    })
    limit.catch(() => {})
    await Promise.race([sent, limit])
    return { status: 'sent' }
  } catch (error) {
    return { status: 'notSent', reason: messageOf(error) }
  } finally {
    late.abort()
  }
}

/** What the invited one reads. */
export const invitationLetter = ({ secret, expiresAt }: MadeInvitation, url: string): MailContent =>
  mailOf({
    subject: 'Your account at Fieldbook',
    title: 'You were invited to Fieldbook',
    isGood: true,
    paragraphs: [
      'Choose a password of 8 characters or more, and send it together with the secret below, which works once:',
    ],
    quote: `curl ${url} -H 'content-type: application/json' -d '{"secret": "${secret}", "password": "…"}'`,
    facts: [
      ['Address', url],
      ['Secret', secret],
      ['Works until', expiresAt.toISOString()],
    ],
  })
