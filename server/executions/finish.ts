/**
 * The end of an execution: keeps its files as blobs, then stores outputs, file records and the final status in one
 * transaction, so that all of it becomes visible together, once, and only for the attempt that still holds the run.
 */

import type { Blobs } from '../stores/blobs/blobs.ts'
import { isAway, untilBack } from '../stores/postgres/away.ts'
import { despiteContention } from '../stores/postgres/contention.ts'
import type { Database, Queryable, Transaction } from '../stores/postgres/database.ts'
import { canceled, type Failure, told } from './causes.ts'
import { type Keepable, type KeptFiles, keepFiles } from './keep.ts'
import { endingOf } from './leases.ts'
import { finalStatus, isFinal } from './lifecycle.ts'
import type { Live } from './live.ts'
import { isStored } from './outputs/store.ts'
import type { Execution, KeptFile } from './record.ts'
import { getExecution, lockExecution, recordEnd } from './store.ts'
import { type Garbage, storeOutputs } from './store-outputs.ts'

export interface Ending extends Keepable {
  /** Results that could not be made. */
  readonly unmade: readonly Failure[]
  readonly live: Pick<Live, 'settle' | 'seen'>
}

/**
 * Gives the final status, or undefined when the run belongs to somebody else by now and nothing was written. A database
 * that is away is waited for: what the notebook took hours for must not be lost to a restart.
 */
export async function finishExecution(db: Database, ending: Ending): Promise<Execution['status'] | undefined> {
  await using files = await keepFiles(ending)
  const doubtful: Garbage[] = []
  // Awaited here: the files stay open until then.
  return await untilBack(() => despiteContention(() => tryToFinish(db, ending, files, doubtful)))
}

/** `doubtful` is of the tries before, the answer to whose commit was lost with the database. */
async function tryToFinish(
  db: Database,
  ending: Ending,
  files: KeptFiles,
  doubtful: Garbage[],
): Promise<Execution['status'] | undefined> {
  const { execution, blobs } = ending
  const garbage: Garbage = { replaced: [], copies: [], undone: [] }
  const unused = ({ copies, undone }: Garbage) => [...copies, ...undone]
  try {
    const status =
      (await endAtOnce(db, ending, files)) ??
      (await db.transaction((tx) => finishIn(tx, ending, files, garbage), { statementTimeoutMs: 0 }))
    // Had an earlier try been committed after all, the execution would not have been held any more.
    await drop(blobs, [...garbage.replaced, ...garbage.undone, ...doubtful.flatMap(unused)])
    return status
  } catch (error) {
    if (error instanceof NotHeld) {
      await drop(blobs, unused(garbage))
      const ended = doubtful.length > 0 ? await endingOf(db, execution) : undefined
      // One of the tries was committed, and which one is not known: what any of them copied stays.
      if (ended)
        await drop(
          blobs,
          doubtful.flatMap(({ replaced }) => replaced),
        )
      else await blobs.deleteAll(`${ending.prefix}/outputs`) // nobody else has this attempt, so nobody refers to them
      return ended
    }
    if (isAway(error)) doubtful.push(garbage)
    else if (await isUnfinished(db, execution)) await drop(blobs, unused(garbage))
    throw error
  }
}

/** Rolls the transaction back: what was stored in it belongs to another attempt's run. */
class NotHeld extends Error {}

/**
 * The end in a single statement, for when there is nothing to store beside it: most runs. Undefined when there is, or when
 * the statement found the execution canceled or no longer held, which the transaction sorts out.
 */
async function endAtOnce(db: Database, ending: Ending, files: KeptFiles): Promise<Execution['status'] | undefined> {
  const { failure, unmade, live } = ending
  if ([...files.byOutput.keys()].some(isStored)) return undefined
  await live.settle()
  const failures = [...(failure ? [failure] : []), ...unmade, ...files.failures]
  const info = failure ? resultsOnly(ending, files.kept) : files.kept
  return writeEnd(db, ending, failures, failure, info, failure ? ['inProgress', 'canceling'] : ['inProgress'])
}

/**
 * The row is locked at the end and not before: a cancellation must not wait for outputs that take minutes, but end them.
 * What was stored counts only once the lock shows that the attempt still holds the execution.
 */
async function finishIn(
  tx: Transaction,
  ending: Ending,
  files: KeptFiles,
  garbage: Garbage,
): Promise<Execution['status']> {
  const { execution, failure, unmade, live } = ending
  if (!failure && files.byOutput.size > 0) await tx.query('savepoint outputs')
  const stored = await storeOutputs(tx, ending, files, failure, garbage)
  // A live write waits for the lock that is taken next.
  await live.settle()
  const held = await lockExecution(tx, execution)
  if (!held) throw new NotHeld()
  if (failure || held !== 'canceling') {
    const failures = [...(failure ? [failure] : []), ...unmade, ...files.failures, ...stored.failures]
    const info = failure ? resultsOnly(ending, files.kept) : files.kept
    return heldStill(await writeEnd(tx, ending, failures, failure, info, [held], stored.warnings))
  }
  // A cancellation that came while the run was ending still counts, unless something else had ended it before.
  if (files.byOutput.size > 0) await tx.query('rollback to savepoint outputs')
  heldStill(await lockExecution(tx, execution)) // the rollback gave the lock back with the outputs
  garbage.replaced.length = 0
  for (const key of garbage.copies.splice(0)) garbage.undone.push(key)
  const kept = await storeOutputs(tx, ending, files, canceled, garbage)
  const failures = [canceled, ...unmade, ...kept.failures]
  return heldStill(await writeEnd(tx, ending, failures, canceled, resultsOnly(ending, files.kept), [held]))
}

/** @throws NotHeld for an execution that belongs to somebody else by now, so that nothing of this attempt is stored */
function heldStill(status: Execution['status'] | undefined): Execution['status'] {
  if (!status) throw new NotHeld()
  return status
}

/** true only when the row was read and has not ended. */
async function isUnfinished(db: Database, { notebookId, id }: Execution): Promise<boolean> {
  try {
    return !isFinal((await getExecution(db, notebookId, id)).status)
  } catch {
    return false
  }
}

const resultsOnly = (ending: Ending, kept: ReadonlyMap<string, KeptFile>) =>
  new Map([...kept].filter(([name]) => ending.results.has(name)))

const drop = (blobs: Blobs, keys: readonly string[]) => Promise.all(keys.map((key) => blobs.delete(key)))

/** Gives the final status, or undefined when the execution was not held in one of the statuses `from`. */
async function writeEnd(
  db: Queryable,
  { execution, live }: Ending,
  failures: readonly Failure[],
  first: Failure | undefined,
  outputInfo: ReadonlyMap<string, KeptFile>,
  from: readonly Execution['status'][],
  warnings: readonly string[] = [],
): Promise<Execution['status'] | undefined> {
  const status = finalStatus(first ?? failures[0])
  const files = Object.fromEntries(outputInfo)
  const seen = live.seen()
  const metrics =
    warnings.length > 0 ? { ...seen.metrics, warnings: [...(seen.metrics.warnings ?? []), ...warnings] } : seen.metrics
  const isWritten = await recordEnd(db, execution, status, failures.map(told), files, { ...seen, metrics }, from)
  return isWritten ? status : undefined
}
