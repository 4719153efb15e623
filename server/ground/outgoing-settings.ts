/** The settings of what leaves the service: requests to addresses that people name, and mail. */

import { A_SIZE, durationBetween, entry, integer, oneOf, size, text } from './setting.ts'

function smtpUrl(value: string): string | undefined {
  if (value && !/^smtps?:\/\/[^/]/.test(value)) throw new Error('not smtp')
  return value || undefined
}

/** Addresses and domains, in small letters. */
function receivers(value: string): readonly string[] {
  const all = value
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean)
  if (!all.every((one) => /^[^@]*@[^@]+$/.test(one))) throw new Error('no address')
  return all
}

export const OUTGOING_SETTINGS = {
  allowPrivate: entry({
    name: 'FIELDBOOK_ALLOW_PRIVATE_ADDRESSES',
    default: 'false',
    says: 'true lets inputs and callbacks reach private addresses and this machine; only where every user may do so anyway.',
    expects: 'true or false',
    parse: oneOf('true', 'false'),
  }),
  fetchSize: entry({
    name: 'FIELDBOOK_FETCH_SIZE',
    default: '1GiB',
    says: 'Largest answer of the URL of an input, unpacked.',
    expects: A_SIZE,
    parse: size,
  }),
  fetchTime: entry({
    name: 'FIELDBOOK_FETCH_TIME',
    default: '60s',
    says: 'How long the URL of an input may take to answer, to the last byte.',
    expects: 'a duration from 1s to 1h',
    parse: durationBetween(1000, 3_600_000),
  }),
  smtpUrl: entry({
    name: 'FIELDBOOK_SMTP_URL',
    default: '',
    says: 'The mail server; without one mails are kept in the database and not sent.',
    expects: 'an smtp:// or smtps:// URL',
    secret: true,
    parse: smtpUrl,
  }),
  mailFrom: entry({
    name: 'FIELDBOOK_MAIL_FROM',
    default: 'Fieldbook <fieldbook@localhost>',
    says: 'The sender of mails.',
    expects: 'an e-mail address, with or without a name',
    parse: text,
  }),
  mailTo: entry({
    name: 'FIELDBOOK_MAIL_TO',
    default: '',
    says: 'Who may be mailed; empty is anybody. Mails to others are told in the log of deliveries and not sent.',
    expects: 'addresses, or domains as @example.com, with commas between them',
    parse: receivers,
  }),
  mailsPerHour: entry({
    name: 'FIELDBOOK_MAILS_PER_HOUR',
    default: '100',
    says: 'How many mails an application may send in an hour; those above are told in the log of deliveries and not sent.',
    expects: 'a number from 0 to 1000000',
    parse: integer(0, 1_000_000),
  }),
}
