/** Sealing: the hot reports of an application become segments by day and leave the hot table, in one transaction. */

import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { newId } from '../../ground/ids.ts'
import type { DuckSession } from '../duckdb/duckdb.ts'
import type { Queryable } from '../postgres/database.ts'
import { copyForSealing } from './hot.ts'
import { fromJson, measureReports, reportsFile } from './reading.ts'
import { cell, type HotTable, kindsOf, relationOf } from './relation.ts'
import { KINDS } from './slice.ts'
import { retentionStart } from './view.ts'
import { type NewSegment, newestTombstone, recordSegments, type Writers, writeSegment } from './writing.ts'

/** Reports of one pass: what is sorted and written at once. */
const PASS_ROWS = 1_000_000
/** Of reports longer than a KiB, together: 72 MB of them took more than the 512 MiB that DuckDB has, 36 MB did not. */
const PASS_LONG_BYTES = 32 * 2 ** 20
/** What was forgotten while a pass was under way makes it be done again; somebody who forgets all the time must wait. */
const TRIES = 5
/** Reports of one pass that lie in many days become segments of several days each. */
const MOST_WINDOWS = 32
const DAY_MS = 86_400_000

/**
 * Seals all hot reports of an application with a seq up to `toSeq`, which must be settled. Gives how many segments were
 * made. One at a time for an application; a second one would find that the first has changed what it read.
 */
export async function sealApplication(
  writers: Writers,
  applicationId: string,
  toSeq: number,
  signal: AbortSignal,
  passRows = PASS_ROWS,
): Promise<number> {
  await writers.db.query(
    `insert into telemetry (application_id) select id from applications where id = $1 on conflict (application_id) do nothing`,
    [applicationId],
  )
  let segments = 0
  for (let tries = 0; tries < TRIES; ) {
    const pass = await sealPass(writers, applicationId, toSeq, signal, passRows)
    if (pass === 'outdated') tries += 1
    else {
      segments += pass.segments
      if (pass.toSeq >= toSeq) break
    }
  }
  return segments
}

interface Pass {
  readonly toSeq: number
  readonly sealedSeq: number
  readonly forgottenTo: number
}

async function sealPass(
  writers: Writers,
  applicationId: string,
  toSeq: number,
  signal: AbortSignal,
  passRows: number,
): Promise<{ toSeq: number; segments: number } | 'outdated'> {
  const folder = join(writers.scratch, `seal-${newId()}`)
  await mkdir(folder)
  try {
    const file = join(folder, 'reports.tsv')
    const pass = await writers.db.transaction(
      async (tx) => {
        const cut = await cutOf(tx, applicationId, toSeq, passRows)
        const from = await retentionStart(tx, applicationId, writers.keeping)
        if (cut.toSeq > cut.sealedSeq) await copyForSealing(tx, { applicationId, toSeq: cut.toSeq, from }, file, signal)
        return cut
      },
      { isolation: 'repeatable read', readOnly: true, statementTimeoutMs: 0 },
    )
    if (pass.toSeq <= pass.sealedSeq) return { toSeq, segments: 0 }
    await writers.step('looked')
    const made = await writers.duckdb.session(signal, (duck) => writeDays(duck, applicationId, pass, file, folder))
    await writers.step('written')
    const done = await recordSegments(writers, applicationId, made, pass.forgottenTo, (tx) =>
      takeFromHot(tx, applicationId, pass),
    )
    return done ? { toSeq: pass.toSeq, segments: made.length } : 'outdated'
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Up to which seq this pass goes: as many reports as one pass may have. An application that is gone has nothing to seal. */
async function cutOf(tx: Queryable, applicationId: string, toSeq: number, passRows: number): Promise<Pass> {
  const row = await tx.one<{ sealed: number; cut: number | null }>(
    // Joined with nothing a document is unpacked: its stored size says little of a text that compresses well.
    `select sealed_seq as sealed, (
       select min(seq) from (
         select seq, row_number() over place as nth, sum(long) over place - long as before
         from (
           select seq, case when size > 1024 then size else 0 end as long
           from (select seq, pg_column_size(doc || '{}') as size from hot_states
                 where application_id = $1 and seq <= $2 order by seq limit $3 + 1) sized
         ) weighed window place as (order by seq rows unbounded preceding)
       ) placed where nth > $3 or before > $4) as cut
     from telemetry where application_id = $1`,
    [applicationId, toSeq, passRows, PASS_LONG_BYTES],
  )
  if (!row) return { toSeq: 0, sealedSeq: 0, forgottenTo: 0 }
  return {
    toSeq: row.cut === null ? toSeq : row.cut - 1,
    sealedSeq: row.sealed,
    forgottenTo: await newestTombstone(tx, applicationId),
  }
}

/** The reports are the segments' now. False when another one has sealed since. */
async function takeFromHot(tx: Queryable, applicationId: string, pass: Pass): Promise<boolean> {
  const moved = await tx.query(
    'update telemetry set sealed_seq = $2 where application_id = $1 and sealed_seq = $3 returning application_id',
    [applicationId, pass.toSeq, pass.sealedSeq],
  )
  if (moved.length === 0) return false
  await tx.query('delete from hot_states where application_id = $1 and seq <= $2', [applicationId, pass.toSeq])
  return true
}

async function writeDays(
  duck: DuckSession,
  applicationId: string,
  { toSeq, forgottenTo }: Pass,
  file: string,
  folder: string,
): Promise<NewSegment[]> {
  await duck.run(`create temp table raw as select * from ${reportsFile(file, REPORT_COLUMNS)}`)
  const names = await duck.rows<{ name: string }>(
    'select distinct unnest(json_keys(doc)) as name from raw order by name',
  )
  const attributes = names.map(({ name }) => name)
  if (attributes.length === 0) return []
  const hot = await typeReports(duck, attributes)
  if (!hot) return []
  const sources = { attributes, segments: [], tombstones: [], hot }
  const kinds = attributes.map((_, index) => kindsOf(sources, index))
  await duck.run(`create temp table merged as ${relationOf(sources, { from: hot.minTs, to: hot.maxTs + 1 })}`)
  await duck.run('drop table hot')
  const window = await windowOf(duck)
  const windows = await duck.rows<{ number: number }>(
    `select distinct ${windowNumber(window)} as number from merged order by number`,
  )
  const made: NewSegment[] = []
  for (const { number } of windows) {
    const relation = `select * from merged where ts >= ${number * window} and ts < ${(number + 1) * window}`
    const one = await writeSegment(duck, { relation, attributes, kinds }, { applicationId, toSeq, forgottenTo }, folder)
    if (one) made.push(one)
  }
  return made
}

const REPORT_COLUMNS = [`'seq': 'bigint'`, `'device_id': 'varchar'`, `'ts': 'bigint'`, `'doc': 'varchar'`]

/** The reports with a typed column for each attribute and kind; the documents are read once. */
async function typeReports(duck: DuckSession, attributes: readonly string[]): Promise<HotTable | undefined> {
  const pointers = attributes.map(
    (name) => `'/${name.replaceAll('~', '~0').replaceAll('/', '~1').replaceAll("'", "''")}'`,
  )
  const cells = attributes.flatMap((_, index) =>
    KINDS.map((kind) => `${fromJson[kind](`v[${index + 1}]`)} as ${cell(index, kind)}`),
  )
  await duck.run(`create temp table hot as select seq, device_id, ts, ${cells.join(', ')}
    from (select seq, device_id, ts, json_extract(doc, [${pointers.join(', ')}])::varchar[] as v from raw)`)
  await duck.run('drop table raw')
  return measureReports(duck, attributes)
}

/** How much time one segment spans: a day, or as many times eight of it as keep the segments of a pass few. */
async function windowOf(duck: DuckSession): Promise<number> {
  for (let window = DAY_MS; ; window *= 8) {
    const [row] = await duck.rows<{ windows: number }>(
      `select count(distinct ${windowNumber(window)}) as windows from merged`,
    )
    if ((row?.windows ?? 0) <= MOST_WINDOWS) return window
  }
}

/** Rounded down, in whole numbers: the quotient of a far time as a double would not be exact. */
const windowNumber = (window: number) => `case when ts >= 0 then ts // ${window} else -((-ts - 1) // ${window}) - 1 end`
