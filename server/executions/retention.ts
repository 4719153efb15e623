/**
 * What of executions goes once a day: those that ended long ago, with everything of theirs; the files of OUTPUT_DIR whose
 * links have ended; and what no row refers to. Rows change first and bytes go afterwards, so that a crash in between
 * leaves bytes nobody refers to, which a later pass collects, and never a row that promises what is not there.
 *
 * What has not ended is never touched, nor the inputs, results and the notebook of an execution that is kept: it can be
 * looked at and run again.
 */

import { before, NOTHING, type Pass, type Swept, sum } from '../ground/sweep.ts'
import type { Blobs } from '../stores/blobs/blobs.ts'
import { collectOrphans } from '../stores/blobs/orphans.ts'
import type { Database } from '../stores/postgres/database.ts'
import { UNFINISHED } from './lifecycle.ts'
import { executionBlobs, type KeptFile, RESULT_FILES } from './record.ts'

interface Stores {
  readonly db: Database
  readonly blobs: Blobs
}

const ENDED = `status not in ${UNFINISHED}`

/** Of an execution there are up to 10,000 events, which go with its row. */
const BATCH = 50

/** Deletes executions that ended `ageMs` ago or longer. */
export async function dropExecutions({ db, blobs }: Stores, pass: Pass, ageMs: number): Promise<Swept> {
  const old = `from executions where outputs_completed_at < $1 and ${ENDED}`
  const values = [before(pass, ageMs)]
  const drop = async (id: string): Promise<Swept> => {
    const bytes = await bytesBelow(blobs, executionBlobs(id))
    if (!pass.isDryRun) await blobs.deleteAll(executionBlobs(id))
    return { count: 1, bytes }
  }
  if (pass.isDryRun) return each(await db.query<{ id: string }>(`select id ${old}`, values), pass, drop)
  const dropped: Swept[] = []
  for (;;) {
    const rows = await db.transaction(
      (tx) =>
        tx.query<{ id: string }>(
          `delete from executions where id in (
             select id ${old} order by outputs_completed_at limit ${BATCH} for update skip locked) returning id`,
          values,
        ),
      { statementTimeoutMs: 0 },
    )
    // Their rows are gone, so their bytes go, too, whatever happens to the pass.
    dropped.push(await each(rows, undefined, drop))
    pass.signal.throwIfAborted()
    if (rows.length < BATCH) return sum(dropped)
  }
}

async function each(
  rows: readonly { id: string }[],
  pass: Pass | undefined,
  work: (id: string) => Promise<Swept>,
): Promise<Swept> {
  const done: Swept[] = []
  for (const { id } of rows) {
    pass?.signal.throwIfAborted()
    done.push(await work(id))
  }
  return sum(done)
}

async function bytesBelow(blobs: Blobs, prefix: string): Promise<number> {
  let bytes = 0
  for await (const { sizeBytes } of blobs.list(prefix)) bytes += sizeBytes
  return bytes
}

interface ExpiredRow {
  id: string
  dropped: Record<string, KeptFile>
}

/** What of a row only its links led to; `$2` are the names that stay. */
const DROPPED = `(select coalesce(jsonb_object_agg(key, value), '{}') from jsonb_each(output_info) where key <> all ($2))`

/** Deletes the outputs of executions that ended `ageMs` ago, which is when the links to them do. */
export async function dropExpiredOutputs({ db, blobs }: Stores, pass: Pass, ageMs: number): Promise<Swept> {
  const old = `from executions where outputs_completed_at < $1 and not outputs_expired and ${ENDED}`
  const values = [before(pass, ageMs), RESULT_FILES]
  if (pass.isDryRun) return counted(await db.query<ExpiredRow>(`select id, ${DROPPED} as dropped ${old}`, values))
  const dropped: Swept[] = []
  for (;;) {
    pass.signal.throwIfAborted()
    const rows = await db.query<ExpiredRow>(
      `with old as (
         select id, ${DROPPED} as dropped ${old} order by outputs_completed_at limit ${BATCH} for update skip locked)
       update executions set outputs_expired = true,
         output_info = output_info - (select coalesce(array_agg(key), '{}') from jsonb_object_keys(old.dropped) as key)
       from old where executions.id = old.id returning executions.id, old.dropped`,
      values,
    )
    for (const { dropped: files } of rows) for (const { key } of Object.values(files)) await blobs.delete(key)
    dropped.push(counted(rows))
    if (rows.length < BATCH) return sum(dropped)
  }
}

const counted = (rows: readonly ExpiredRow[]): Swept => {
  const files = rows.flatMap(({ dropped }) => Object.values(dropped))
  return files.reduce(({ count, bytes }, { size }) => ({ count: count + 1, bytes: bytes + size }), NOTHING)
}

/** Where attempts keep inputs and outputs, and pages that were asked for; whatever else an execution has stays with its row. */
const OF_ATTEMPT = /^executions\/[^/]+\/\d+\/(?:inputs|outputs|rendered)\//

/** Deletes blobs of executions that are gone, and those of ended ones that no list of theirs names. */
export const collectExecutionOrphans = ({ db, blobs }: Stores, pass: Pass): Promise<Swept> =>
  collectOrphans(blobs, 'executions', pass, async (keys) => {
    const ids = [...new Set(keys.map(idIn))]
    const rows = await db.query<{ id: string; is_final: boolean; keys: string[] }>(
      `select id, ${ENDED} as is_final, array(
         select file->>'key' from jsonb_each(output_info) as outputs (name, file)
         union all select file->>'key' from jsonb_each(input_info) as inputs (name, file)
         union all select file->>'key' from jsonb_each(coalesce(given_inputs, '{}')) as given (name, file)) as keys
       from executions where id = any ($1)`,
      [ids],
    )
    const executions = new Map(rows.map((row) => [row.id, { ...row, keys: new Set(row.keys) }]))
    const isKnown = (key: string) => {
      const execution = executions.get(idIn(key))
      return execution !== undefined && (!execution.is_final || !OF_ATTEMPT.test(key) || execution.keys.has(key))
    }
    return new Set(keys.filter(isKnown))
  })

/** Deletes uploads of notebooks that are gone, and earlier ones that no execution has been asked for with. */
export const collectNotebookOrphans = ({ db, blobs }: Stores, pass: Pass): Promise<Swept> =>
  collectOrphans(blobs, 'notebooks', pass, async (keys) => {
    const rows = await db.query<{ key: string }>(
      `select jupyter_blob_key as key from notebooks where id = any ($1)
       union select snapshot->>'jupyterBlobKey' from executions where notebook_id = any ($1)`,
      [[...new Set(keys.map(idIn))]],
    )
    const known = new Set(rows.map(({ key }) => key))
    return new Set(keys.filter((key) => known.has(key)))
  })

/** The id of the execution or notebook that a blob is of. */
const idIn = (key: string) => key.split('/')[1] ?? ''
