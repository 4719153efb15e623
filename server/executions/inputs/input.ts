/** What the staging of one input is given. Every kind of input is a function of one of these shapes in a file of its own. */

import type { Turns } from '../../ground/turns.ts'
import type { FetchOptions } from '../../outgoing/fetch-file.ts'
import type { Blobs } from '../../stores/blobs/blobs.ts'
import type { DuckDb } from '../../stores/duckdb/duckdb.ts'
import type { Database } from '../../stores/postgres/database.ts'
import type { Telemetry } from '../../stores/telemetry/telemetry.ts'
import type { TemplateContext } from '../../templates/render.ts'

/** Where inputs come from; the same for every run. */
export interface Sources {
  readonly db: Database
  readonly blobs: Blobs
  readonly duckdb: DuckDb
  readonly telemetry: Telemetry
  /** Limits of what is fetched from other people's addresses. */
  readonly fetching: Pick<FetchOptions, 'maxBytes' | 'timeoutMs' | 'allowPrivate'>
}

export interface Staging extends Sources {
  readonly applicationId: string
  /** The query time that offsets of time ranges count from. */
  readonly relativeTo: Date
  /** What templates of inputs see: `ctx` and `globals`. */
  readonly context: TemplateContext
  readonly signal: AbortSignal
  /** For whatever holds a session of the pool for long: one run must not take them all. */
  readonly inTurn: Turns
  /** A path outside of the folder the notebook sees, for what is only needed on the way. */
  readonly scratch: () => string
  /** Tells the owner of the notebook something that is no failure. */
  readonly warn: (message: string) => void
}

/** Writes the input to `file`. @throws invalid, notFound with a message for the owner of the notebook */
export type Gather<Input> = (input: Input, file: string, staging: Staging) => Promise<void>

/** A column of a table, and what its cells hold in a file that knows types. */
export interface Column {
  readonly name: string
  readonly type: 'text' | 'number' | 'boolean' | 'milliseconds'
}

/** Writes the input to `file` as CSV and gives its columns. @throws as Gather */
export type GatherTable<Input> = (input: Input, file: string, staging: Staging) => Promise<readonly Column[]>

export const text = (name: string): Column => ({ name, type: 'text' })
