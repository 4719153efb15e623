/** What the door needs of the service, as narrow as its routes allow. */

import type { CallbackSecrets } from '../access/callback-secrets.ts'
import type { Passwords } from '../access/passwords.ts'
import type { Standings } from '../access/standings.ts'
import type { Tokens } from '../access/tokens.ts'
import type { Vault } from '../access/vault.ts'
import type { Watch } from '../executions/watch.ts'
import type { Config } from '../ground/config.ts'
import type { Log } from '../ground/log.ts'
import type { Replay } from '../jobs/replay.ts'
import type { Chores } from '../jobs/tidy.ts'
import type { Jobs } from '../jobs/work.ts'
import type { Blobs } from '../stores/blobs/blobs.ts'
import type { DuckDb } from '../stores/duckdb/duckdb.ts'
import type { Database } from '../stores/postgres/database.ts'
import type { IgnoredCounts } from '../stores/telemetry/ignored.ts'
import type { Telemetry } from '../stores/telemetry/telemetry.ts'

/** What `/healthz` says of one part. */
export interface Health {
  readonly ready: boolean
  readonly [detail: string]: unknown
}

export interface Parts {
  readonly db: Database
  readonly blobs: Blobs
  readonly duckdb: DuckDb
  readonly telemetry: Telemetry
  readonly tokens: Tokens
  readonly standings: Standings
  readonly passwords: Passwords
  readonly vault: Vault
  readonly config: Config
  readonly log: Log
  readonly watch: Watch
  readonly jobs: Jobs
  readonly replay: Replay
  readonly callbackSecrets: CallbackSecrets
  /** What is done once a day, to be told what it would do. */
  readonly chores: Chores
  readonly ignoredCounts: IgnoredCounts
  readonly linkSecret: Buffer
  /** The absolute link to a blob, counted from when it came to be. */
  readonly linkFile: (baseUrl: string, blobKey: string, fileName: string, from: Date) => string
  /** What notebooks may be written in besides Python; `any` where only the workers know. */
  readonly languages: () => Promise<readonly string[] | 'any'>
  readonly health: () => Promise<Record<string, Health>>
  /** Aborted when the service is about to close: from then on it takes nothing new. */
  readonly draining: AbortSignal
}
