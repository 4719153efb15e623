/**
 * Deleting an application, in two steps. The first is a transaction: nobody sees it any more, and what runs is canceled.
 * The second removes what it has, bytes before the rows that know of them, and can be broken off and begun again at any
 * point; the row of the application goes last, so that nothing is left that nobody would look for.
 */

import { rowsOf } from '../catalog/columns.ts'
import { lockFamilies } from '../catalog/device-family.ts'
import { notebookBlobs } from '../catalog/notebooks.ts'
import { AppError, notFound } from '../ground/errors.ts'
import { applicationJobBlobs } from '../jobs/files.ts'
import type { Blobs } from '../stores/blobs/blobs.ts'
import type { Database, Queryable } from '../stores/postgres/database.ts'
import { UNFINISHED } from './lifecycle.ts'
import { executionBlobs } from './record.ts'
import { cancelExecution } from './store.ts'
import { UPKEEP } from './upkeep-channel.ts'

/** The first step; the second is waiting for whoever does the upkeep. @throws notFound */
export async function deleteApplication(db: Database, id: string): Promise<void> {
  const work = async (tx: Queryable) => {
    const row = await tx.one(
      'update applications set deleted_at = now() where id = $1 and deleted_at is null returning id',
      [id],
    )
    if (!row) throw notFound('Application')
    await cancelAll(tx, id)
    await tx.query('select pg_notify($1, $2)', [UPKEEP, id])
  }
  await db.transaction(work, { repeatable: true })
}

export interface RemovalParts {
  readonly db: Database
  readonly blobs: Blobs
}

const BATCH = 500

/**
 * The second step. Gives false when it has to be done again: something still ran, or came while it was at work.
 * @throws what the signal was aborted with
 */
export async function removeApplication(parts: RemovalParts, id: string, signal: AbortSignal): Promise<boolean> {
  const { db, blobs } = parts
  // A run that ends stores what it leaves, and would store it after us.
  if ((await cancelAll(db, id)) > 0) return false
  await removeNotebooks(parts, id, signal)
  await removeFiles(parts, id, signal)
  await removeTables(db, id, signal)
  await removeDevices(db, id, signal)
  await blobs.deleteAll(applicationJobBlobs(id))
  return db.transaction(
    async (tx) => {
      // Held, nothing can be added to it that refers to it; what came before is looked for once more. Devices too: others
      // hold their rows while they wait for this one, so none of them may go with it.
      const row = await tx.one('select id from applications where id = $1 and deleted_at is not null for update', [id])
      if (!row) return true
      const left = await tx.query(
        `select from notebooks where application_id = $1 union all select from files where application_id = $1
         union all select from data_tables where application_id = $1
         union all select from devices where application_id = $1 limit 1`,
        [id],
      )
      if (left.length > 0) return false
      await tx.query('delete from applications where id = $1', [id])
      return true
    },
    { statementTimeoutMs: 0, repeatable: true },
  )
}

/** Cancels whatever has not ended; gives how many executions that are. */
async function cancelAll(db: Queryable, applicationId: string): Promise<number> {
  const unfinished = await db.query<{ id: string; notebook_id: string }>(
    `select id, notebook_id from executions
     where application_id = $1 and status in ${UNFINISHED}`,
    [applicationId],
  )
  for (const execution of unfinished) {
    await cancelExecution(db, execution.notebook_id, execution.id).catch((error: unknown) => {
      if (!(error instanceof AppError)) throw error // it ended by itself meanwhile
    })
  }
  return unfinished.length
}

async function removeNotebooks({ db, blobs }: RemovalParts, applicationId: string, signal: AbortSignal) {
  const notebooks = await db.query<{ id: string }>('select id from notebooks where application_id = $1', [
    applicationId,
  ])
  for (const notebook of notebooks) {
    signal.throwIfAborted()
    const executions = await db.query<{ id: string }>('select id from executions where notebook_id = $1', [notebook.id])
    for (const execution of executions) await blobs.deleteAll(executionBlobs(execution.id))
    await blobs.deleteAll(notebookBlobs(notebook.id))
    await db.query(
      `delete from notebooks where id = $1 and not exists (
         select from executions where notebook_id = $1 and not (executions.id = any ($2)))`,
      [notebook.id, executions.map(({ id }) => id)],
    )
  }
}

async function removeFiles({ db, blobs }: RemovalParts, applicationId: string, signal: AbortSignal) {
  for (;;) {
    signal.throwIfAborted()
    const files = await db.query<{ id: string; blob_key: string | null }>(
      `select id, blob_key from files where application_id = $1 limit ${BATCH}`,
      [applicationId],
    )
    if (files.length === 0) return
    for (const { blob_key } of files) if (blob_key !== null) await blobs.delete(blob_key)
    await db.query(
      `delete from files using unnest($1::text[], $2::text[]) as seen (id, blob_key)
       where files.id = seen.id and files.blob_key is not distinct from seen.blob_key`,
      [files.map(({ id }) => id), files.map(({ blob_key }) => blob_key)],
    )
  }
}

async function removeTables(db: Database, applicationId: string, signal: AbortSignal) {
  const tables = await db.query<{ id: string }>('select id from data_tables where application_id = $1', [applicationId])
  for (const { id } of tables) {
    signal.throwIfAborted()
    await db.transaction(async (tx) => {
      await tx.query('select from data_tables where id = $1 for update', [id])
      await tx.query(`drop table if exists ${rowsOf(id)}`)
      await tx.query('delete from data_tables where id = $1', [id])
    })
  }
}

/**
 * In batches, because each takes its connections along, and in the order in which everybody locks devices. Their states go
 * with the application.
 */
async function removeDevices(db: Database, applicationId: string, signal: AbortSignal) {
  for (;;) {
    signal.throwIfAborted()
    const work = async (tx: Queryable) => {
      await lockFamilies(tx, applicationId)
      const gone = await tx.query(
        `with batch as (select id from devices where application_id = $1 order by id limit ${BATCH} for update)
         delete from devices using batch where devices.id = batch.id returning devices.id`,
        [applicationId],
      )
      return gone.length
    }
    if ((await db.transaction(work, { repeatable: true })) === 0) return
  }
}
