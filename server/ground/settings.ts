/** The table of settings: name, default, what it means. `.env.example` is generated from it. */

export interface Entry<T> {
  readonly name: string
  readonly default: string
  readonly says: string
  readonly expects: string
  readonly secret?: boolean
  readonly parse: (text: string) => T
}

const text = (value: string) => value

function integer(from: number, to: number) {
  return (value: string) => {
    const number = Number(value)
    if (!Number.isInteger(number) || number < from || number > to) throw new Error('not in range')
    return number
  }
}

function number(from: number, to: number) {
  return (value: string) => {
    const parsed = Number(value)
    if (!(parsed >= from && parsed <= to)) throw new Error('not in range')
    return parsed
  }
}

function oneOf<const T extends string>(...words: T[]) {
  return (value: string): T => {
    const found = words.find((word) => word === value)
    if (!found) throw new Error('not one of them')
    return found
  }
}

const SIZES: Record<string, number> = {
  '': 1,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
}
const DURATIONS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

function withUnit(units: Record<string, number>) {
  return (value: string): number => {
    const match = /^(\d+(?:\.\d+)?) ?([A-Za-z]*)$/.exec(value)
    const [, amount = '', unit = ''] = match ?? []
    const result = Math.round(Number(amount) * (Object.hasOwn(units, unit) ? (units[unit] ?? 0) : Number.NaN))
    if (!match || !Number.isSafeInteger(result)) throw new Error('no such unit, or too large')
    return result
  }
}

/** Bytes of a text such as `32MB`. */
const size = withUnit(SIZES)
/** Milliseconds of a text such as `15m`. */
const duration = withUnit(DURATIONS)

function httpUrl(value: string): string | undefined {
  if (!value) return undefined
  const url = new URL(value)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error('not http')
  return value.replace(/\/+$/, '')
}

function databaseUrl(value: string): string | undefined {
  if (value && !/^postgres(?:ql)?:\/\//.test(value)) throw new Error('not postgres')
  return value || undefined
}

const A_SIZE = 'a size such as 512MB'
const A_DURATION = 'a duration such as 30s, 15m or 7d'

const entry = <T>(e: Entry<T>): Entry<T> => e

export const SETTINGS = {
  host: entry({
    name: 'FIELDBOOK_HOST',
    default: '127.0.0.1',
    says: 'Address to listen on; 0.0.0.0 for every network.',
    expects: 'an address',
    parse: text,
  }),
  port: entry({
    name: 'FIELDBOOK_PORT',
    default: '8410',
    says: 'Port to listen on; 0 takes a free one.',
    expects: 'a number from 0 to 65535',
    parse: integer(0, 65535),
  }),
  publicUrl: entry({
    name: 'FIELDBOOK_PUBLIC_URL',
    default: '',
    says: 'How others reach the service, when a proxy stands before it; links to files start with it.',
    expects: 'an http or https URL',
    parse: httpUrl,
  }),
  dataDir: entry({
    name: 'FIELDBOOK_DATA_DIR',
    default: './data',
    says: 'Where everything is kept: the embedded database, files and keys.',
    expects: 'a folder',
    parse: text,
  }),
  databaseUrl: entry({
    name: 'DATABASE_URL',
    default: '',
    says: 'A PostgreSQL (15 or later) of your own instead of the embedded one.',
    expects: 'a postgres:// URL',
    secret: true,
    parse: databaseUrl,
  }),
  adminEmail: entry({
    name: 'FIELDBOOK_ADMIN_EMAIL',
    default: 'admin@fieldbook.local',
    says: 'The user that the first start creates.',
    expects: 'an e-mail address',
    parse: text,
  }),
  adminPassword: entry({
    name: 'FIELDBOOK_ADMIN_PASSWORD',
    default: '',
    says: 'Its password, 8 characters or more; when empty one is made and printed once.',
    expects: 'at least 8 characters',
    secret: true,
    parse: (value: string) => {
      if (value && value.length < 8) throw new Error('too short')
      return value || undefined
    },
  }),
  sandbox: entry({
    name: 'FIELDBOOK_SANDBOX',
    default: 'on',
    says: 'off runs notebooks without any containment; only for code you trust as yourself.',
    expects: 'on or off',
    parse: oneOf('on', 'off'),
  }),
  slots: entry({
    name: 'FIELDBOOK_SLOTS',
    default: '0',
    says: 'Executions that run at the same time; 0 is one for each core.',
    expects: 'a number from 0 to 256',
    parse: integer(0, 256),
  }),
  runMinutes: entry({
    name: 'FIELDBOOK_RUN_MINUTES',
    default: '60',
    says: 'Minutes a notebook may run before it ends with status timeout.',
    expects: 'a number from 0.01 to 10080',
    parse: number(0.01, 10_080),
  }),
  runMemory: entry({
    name: 'FIELDBOOK_RUN_MEMORY',
    default: '4GB',
    says: 'Memory one execution may use.',
    expects: A_SIZE,
    parse: size,
  }),
  outputSize: entry({
    name: 'FIELDBOOK_OUTPUT_SIZE',
    default: '5GB',
    says: 'What the outputs of one execution may have together, and so the largest file it may write.',
    expects: A_SIZE,
    parse: size,
  }),
  notebookBytes: entry({
    name: 'FIELDBOOK_NOTEBOOK_SIZE',
    default: '32MB',
    says: 'Largest .ipynb that can be uploaded.',
    expects: A_SIZE,
    parse: size,
  }),
  bodyBytes: entry({
    name: 'FIELDBOOK_BODY_SIZE',
    default: '10MB',
    says: 'Largest JSON body of a request.',
    expects: A_SIZE,
    parse: size,
  }),
  urlTtl: entry({
    name: 'FIELDBOOK_URL_TTL',
    default: '7d',
    says: 'How long the links to inputs and results of an execution work.',
    expects: A_DURATION,
    parse: duration,
  }),
  ingestMaxAge: entry({
    name: 'FIELDBOOK_INGEST_MAX_AGE',
    default: '',
    says: 'Device states older than this are ignored; empty takes any age (30d is what the original does).',
    expects: A_DURATION,
    parse: (value: string) => (value ? duration(value) : undefined),
  }),
  logLevel: entry({
    name: 'FIELDBOOK_LOG_LEVEL',
    default: 'info',
    says: 'How much the service logs.',
    expects: 'trace, debug, info, warn, error or silent',
    parse: oneOf('trace', 'debug', 'info', 'warn', 'error', 'silent'),
  }),
}

/** The text of `.env.example`: every setting with its default and meaning. */
export const envExample = () =>
  [
    '# Settings of Fieldbook. Keep what you change in the environment, or in a copy of this file called .env.',
    '# Generated from server/ground/settings.ts by `npm run check -- --write`.',
    '',
    ...Object.values(SETTINGS).flatMap((setting) => [`# ${setting.says}`, `#${setting.name}=${setting.default}`, '']),
  ].join('\n')
