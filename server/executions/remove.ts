/**
 * Deleting a notebook: what runs is canceled first, and whoever waits for its end is told so; then row, logs and bytes go.
 * Application files it wrote stay.
 */

import { deleteNotebook, notebookBlobs, type StoredNotebook } from '../catalog/notebooks.ts'
import type { Blobs } from '../stores/blobs/blobs.ts'
import type { Database } from '../stores/postgres/database.ts'
import { executionBlobs } from './record.ts'
import { cancelExecution, endAll, unfinishedExecutions } from './store.ts'

/** @throws notFound when it is gone already */
export async function removeNotebook(db: Database, blobs: Blobs, notebook: StoredNotebook): Promise<void> {
  // A worker whose execution's row is gone gives the run up at the next renewal of its lease; canceling is quicker.
  for (const id of await unfinishedExecutions(db, notebook.id))
    await cancelExecution(db, notebook.id, id).catch(() => {})
  const executions = await db.query<{ id: string }>('select id from executions where notebook_id = $1', [notebook.id])
  await db.transaction(async (tx) => {
    await endAll(tx, notebook.id)
    await deleteNotebook(tx, notebook.applicationId, notebook.id)
  })
  await blobs.deleteAll(notebookBlobs(notebook.id))
  for (const { id } of executions) await blobs.deleteAll(executionBlobs(id))
}
