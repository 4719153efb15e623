/** Everything an application's history needs from time to time, by one process at a time. */

import type { Database } from '../postgres/database.ts'
import { compactSegments } from './compact.ts'
import { planCompaction } from './compaction-plan.ts'
import { collectGarbage } from './garbage.ts'
import { sealApplication } from './seal.ts'
import { listSegments, listTombstones, type Segment, type Tombstone, touches } from './segments.ts'
import { retentionStart } from './view.ts'
import type { Writers } from './writing.ts'

/** Any constant of our own: the first key of the advisory locks of those who tend an application's history. */
const TENDING = 2_104_002

export interface Tending {
  /** Seal hot reports up to this seq, which must be settled; undefined for none. */
  readonly sealTo: number | undefined
  /** How long replaced files stay. */
  readonly graceMs: number
  /** Reports of one pass of sealing, rows of one file, runs of one compaction; tests make them small. */
  readonly passRows?: number | undefined
  readonly fileRows?: number | undefined
  readonly fewestRuns?: number | undefined
  readonly fullRows?: number | undefined
}

/**
 * Seals, rewrites what has to be forgotten, compacts, drops what is too old, and deletes files nobody needs. False when
 * another process is at it.
 */
export async function tendApplication(
  writers: Writers,
  applicationId: string,
  tending: Tending,
  signal: AbortSignal,
): Promise<boolean> {
  // A lock of the session, so that it is free when this process dies. What is recorded is guarded by itself.
  await using session = await writers.db.connect()
  const lock = await session.one<{ taken: boolean }>('select pg_try_advisory_lock($1, hashtext($2)) as taken', [
    TENDING,
    applicationId,
  ])
  if (!lock?.taken) return false
  const going = AbortSignal.any([signal, session.lost])
  // Also when the rest fails: files that nobody needs would pile up until somebody has seen to it.
  await using afterwards = new AsyncDisposableStack()
  afterwards.defer(async () => {
    await collectGarbage(writers, applicationId, tending.graceMs)
  })
  if (!(await exists(writers.db, applicationId))) {
    await writers.db.query('delete from hot_states where application_id = $1', [applicationId])
  } else {
    if (tending.sealTo !== undefined) {
      await sealApplication(writers, applicationId, tending.sealTo, going, tending.passRows)
    }
    await dropExpired(writers, applicationId)
    await forgetSealed(writers, applicationId, going, tending)
    await compactAll(writers, applicationId, going, tending)
    await dropTombstones(writers.db, applicationId)
  }
  return true
}

const exists = async (db: Database, applicationId: string) =>
  (await db.one('select from applications where id = $1', [applicationId])) !== undefined

/** Segments of which nothing is young enough; readers do not see their states any more. */
async function dropExpired({ db, keeping }: Writers, applicationId: string): Promise<void> {
  const start = await retentionStart(db, applicationId, keeping)
  await db.query('delete from segments where application_id = $1 and max_ts < $2', [applicationId, start])
}

interface Look {
  readonly segments: readonly Segment[]
  readonly tombstones: readonly Tombstone[]
}

/** Segments and tombstones of one moment. */
const lookAt = (db: Database, applicationId: string): Promise<Look> =>
  db.transaction(
    async (tx) => ({
      segments: await listSegments(tx, applicationId),
      tombstones: await listTombstones(tx, applicationId),
    }),
    { isolation: 'repeatable read', readOnly: true },
  )

/** Segments that hold what was to be forgotten are rewritten, each by itself. */
async function forgetSealed(
  writers: Writers,
  applicationId: string,
  signal: AbortSignal,
  { fileRows }: Tending,
): Promise<void> {
  for (;;) {
    const { segments, tombstones } = await lookAt(writers.db, applicationId)
    const touched = segments.find((segment) => tombstones.some((tombstone) => touches(tombstone, segment)))
    if (!touched) return
    signal.throwIfAborted()
    await compactSegments(writers, { applicationId, tombstones }, [touched], signal, fileRows)
  }
}

async function compactAll(
  writers: Writers,
  applicationId: string,
  signal: AbortSignal,
  { fileRows, fewestRuns, fullRows }: Tending,
): Promise<void> {
  for (;;) {
    const { segments, tombstones } = await lookAt(writers.db, applicationId)
    const members = planCompaction(segments, {
      ...(fewestRuns === undefined ? {} : { fewest: fewestRuns }),
      ...(fullRows === undefined ? {} : { fullRows }),
    })
    if (!members) return
    signal.throwIfAborted()
    await compactSegments(writers, { applicationId, tombstones }, members, signal, fileRows)
  }
}

/** A tombstone has done its work when everything it means is sealed, and no segment holds any of it. */
async function dropTombstones(db: Database, applicationId: string): Promise<void> {
  const { segments, tombstones } = await lookAt(db, applicationId)
  const done = tombstones.filter((tombstone) => !segments.some((segment) => touches(tombstone, segment)))
  if (done.length === 0) return
  // The newest one stays: it tells what segments to come have to know of.
  await db.query(
    `delete from tombstones where id = any ($2::bigint[])
       and up_to_seq <= (select sealed_seq from telemetry where application_id = $1)`,
    [applicationId, done.map(({ id }) => id)],
  )
}
