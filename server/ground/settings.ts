/** The table of settings: name, default, what it means. `.env.example` is generated from it. */

import { KEY_SETTINGS } from './key-settings.ts'
import { LIMIT_SETTINGS } from './limit-settings.ts'
import { OUTGOING_SETTINGS } from './outgoing-settings.ts'
import { QUOTA_SETTINGS } from './quota-settings.ts'
import {
  A_DURATION,
  A_SIZE,
  databaseUrl,
  duration,
  durationBetween,
  type Entry,
  entry,
  httpUrl,
  integer,
  oneOf,
  size,
  text,
} from './setting.ts'
import { TELEMETRY_SETTINGS } from './telemetry-settings.ts'
import { WEB_SETTINGS } from './web-settings.ts'

export type { Entry }

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
    says: 'How others reach the service; links start with it. Empty: the address of ours that a request came to, in mails and callbacks.',
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
  ...KEY_SETTINGS,
  sandbox: entry({
    name: 'FIELDBOOK_SANDBOX',
    default: 'on',
    says: 'off runs notebooks without any containment, only for code you trust as yourself; landlock does without namespaces.',
    expects: 'on, landlock or off',
    parse: oneOf('on', 'landlock', 'off'),
  }),
  forkServer: entry({
    name: 'FIELDBOOK_FORK_SERVER',
    default: 'on',
    says: 'off starts every kernel cold, half a second later; on forks them from a process that has everything loaded.',
    expects: 'on or off',
    parse: oneOf('on', 'off'),
  }),
  spares: entry({
    name: 'FIELDBOOK_SPARES',
    default: '2',
    says: 'Kernels that wait already forked, each of about 5 MB.',
    expects: 'a number from 0 to 64',
    parse: integer(0, 64),
  }),
  role: entry({
    name: 'FIELDBOOK_ROLE',
    default: 'all',
    says: 'api answers requests, worker runs notebooks, all does both; a worker needs DATABASE_URL and the same data folder.',
    expects: 'all, api or worker',
    parse: oneOf('all', 'api', 'worker'),
  }),
  drain: entry({
    name: 'FIELDBOOK_DRAIN',
    default: '10s',
    says: 'How long executions may go on when the service is told to stop; the others are queued again.',
    expects: A_DURATION,
    parse: duration,
  }),
  slots: entry({
    name: 'FIELDBOOK_SLOTS',
    default: '0',
    says: 'Executions that run at the same time; 0 is one for each core.',
    expects: 'a number from 0 to 256',
    parse: integer(0, 256),
  }),
  jobSlots: entry({
    name: 'FIELDBOOK_JOBS',
    default: '2',
    says: 'Exports, bulk changes and other jobs behind a request that a worker does at the same time.',
    expects: 'a number from 1 to 64',
    parse: integer(1, 64),
  }),
  jobTime: entry({
    name: 'FIELDBOOK_JOB_TIME',
    default: '1h',
    says: 'How long one of them may take before it ends as errored.',
    expects: 'a duration from 1s to 7d',
    parse: durationBetween(1000, 7 * 86_400_000),
  }),
  jobLogAge: entry({
    name: 'FIELDBOOK_JOB_LOG_AGE',
    default: '90d',
    says: 'How long the log of a job, and what was told of it, is kept after its end.',
    expects: A_DURATION,
    parse: duration,
  }),
  ...OUTGOING_SETTINGS,
  ...LIMIT_SETTINGS,
  ...QUOTA_SETTINGS,
  notebookBytes: entry({
    name: 'FIELDBOOK_NOTEBOOK_SIZE',
    default: '32MB',
    says: 'Largest .ipynb that can be uploaded.',
    expects: A_SIZE,
    parse: size,
  }),
  fileBytes: entry({
    name: 'FIELDBOOK_FILE_SIZE',
    default: '5GB',
    says: 'Largest file that can be uploaded by form.',
    expects: A_SIZE,
    parse: size,
  }),
  directFileBytes: entry({
    name: 'FIELDBOOK_DIRECT_FILE_SIZE',
    default: '10MB',
    says: 'Largest file that can be uploaded in a request of the API itself, without a form.',
    expects: A_SIZE,
    parse: size,
  }),
  uploadTtl: entry({
    name: 'FIELDBOOK_UPLOAD_TTL',
    default: '1h',
    says: 'How long after it was given an upload form can be sent; what is under way then may end.',
    expects: A_DURATION,
    parse: duration,
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
    says: 'How long links work: to inputs and results of an execution, to its outputs and to what jobs export, which are deleted then.',
    expects: A_DURATION,
    parse: duration,
  }),
  logAge: entry({
    name: 'FIELDBOOK_LOG_AGE',
    default: '90d',
    says: 'How long executions are kept after their end: log, events, results, and the inputs to run them again.',
    expects: A_DURATION,
    parse: duration,
  }),
  auditAge: entry({
    name: 'FIELDBOOK_AUDIT_AGE',
    default: '365d',
    says: 'How long it is kept who did what.',
    expects: A_DURATION,
    parse: duration,
  }),
  inputExportInterval: entry({
    name: 'FIELDBOOK_INPUT_EXPORT_INTERVAL',
    default: '15m',
    says: 'How often the inputs of one notebook may be exported; 0s as often as anybody likes.',
    expects: A_DURATION,
    parse: duration,
  }),
  rowsExportInterval: entry({
    name: 'FIELDBOOK_ROWS_EXPORT_INTERVAL',
    default: '5m',
    says: 'How often the rows of one data table may be exported; 0s as often as anybody likes.',
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
  ...WEB_SETTINGS,
  ...TELEMETRY_SETTINGS,
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
