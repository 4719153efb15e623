/** What the staging of one input is given. Every kind of input is a function of this shape in a file of its own. */

import type { Turns } from '../../ground/turns.ts'
import type { Blobs } from '../../stores/blobs/blobs.ts'
import type { DuckDb } from '../../stores/duckdb/duckdb.ts'
import type { Database } from '../../stores/postgres/database.ts'
import type { Telemetry } from '../../stores/telemetry/telemetry.ts'
import type { TemplateContext } from '../../templates/render.ts'

export interface Staging {
  readonly db: Database
  readonly duckdb: DuckDb
  readonly telemetry: Telemetry
  readonly blobs: Blobs
  readonly applicationId: string
  /** The query time that offsets of time ranges count from. */
  readonly relativeTo: Date
  /** What templates of inputs see: `ctx` and `globals`. */
  readonly context: TemplateContext
  readonly signal: AbortSignal
  /** For whatever holds a session of the pool for long: one run must not take them all. */
  readonly inTurn: Turns
}

/** Writes the input to `file`. @throws invalid, notFound with a message for the owner of the notebook */
export type Gather<Input> = (input: Input, file: string, staging: Staging) => Promise<void>
