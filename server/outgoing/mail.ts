/** Mail, by the SMTP server of the installation. */

import { createTransport } from 'nodemailer'

export interface MailOptions {
  /** `smtp://` or `smtps://` with user and password in it; undefined when there is no server. */
  readonly smtpUrl: string | undefined
  readonly from: string
}

export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
  /** The same as a page; without one the text goes alone. */
  readonly html?: string | undefined
  /** The same for a mail that is sent again, so that a mailbox can tell. */
  readonly messageId: string
}

export interface Mailer extends Disposable {
  /** Resolves when the server has taken the mail. */
  send(mail: Mail): Promise<void>
}

const CONNECT_MS = 10_000
const SILENCE_MS = 15_000

/** What sends mail, or undefined when no server is set. */
export function createMailer({ smtpUrl, from }: MailOptions): Mailer | undefined {
  if (!smtpUrl) return undefined
  const transport = createTransport({
    url: smtpUrl,
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
    // Text of ours must not make it read files or URLs.
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return {
    send: async ({ to, subject, text, html, messageId }) => {
      // As an object, an address is taken whole: a comma in it does not make two of it.
      await transport.sendMail({
        from,
        to: { name: '', address: to },
        subject: oneLine(subject),
        text,
        ...(html === undefined ? {} : { html }),
        messageId,
        // RFC 3834: nobody's holiday answers this.
        headers: { 'Auto-Submitted': 'auto-generated' },
      })
    },
    [Symbol.dispose]: () => transport.close(),
  }
}

/** A line break would begin another header. */
const oneLine = (text: string) => text.replace(/\p{Cc}+/gu, ' ')
