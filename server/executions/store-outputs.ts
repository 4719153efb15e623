/**
 * Stores the outputs of one run within the transaction that ends it, each behind a savepoint of its own: one that fails
 * is undone and named, the others stay. Whoever stores takes its locks in the same order, so that two runs which fill
 * the same tables and files don't wait for each other.
 */

import type { NotebookOutput } from '../../contract/notebook-files.ts'
import { invalid } from '../ground/errors.ts'
import { storableText } from '../ground/storable.ts'
import { isContended } from '../stores/postgres/contention.ts'
import type { Transaction } from '../stores/postgres/transaction.ts'
import type { Failure } from './causes.ts'
import { configuredName, type Keepable, type KeptFiles, outputFailure } from './keep.ts'
import { inLockOrder } from './outputs/lock-order.ts'
import { leftOut } from './outputs/shown-list.ts'
import { storeOutput } from './outputs/store.ts'

/** Keys of blobs that nothing will refer to. */
export interface Garbage {
  /** Once the transaction is committed: what files had before. */
  readonly replaced: string[]
  /** If it is not: what files would have had. */
  readonly copies: string[]
  /** In any case. */
  readonly undone: string[]
}

export interface StoredOutputs {
  /** In the order in which the outputs are configured. */
  readonly failures: readonly Failure[]
  /** What the owner should know of outputs that were stored. */
  readonly warnings: readonly string[]
}

/** With a `failure` only result files are stored. @throws what says that the whole transaction has to be done again */
export async function storeOutputs(
  tx: Transaction,
  ending: Keepable,
  files: KeptFiles,
  failure: Failure | undefined,
  garbage: Garbage,
): Promise<StoredOutputs> {
  const { execution, blobs, context } = ending
  // Once it is canceled the result files are stored all the same, so only the other outputs are cut short.
  const signal = failure ? ending.signal : AbortSignal.any([ending.signal, ending.canceled])
  const failures = new Map<NotebookOutput, Failure>()
  const warnings: string[] = []
  for (const [output, content] of inLockOrder(files.byOutput, context)) {
    if (output.outputType !== 'executionResult' && (failure || ending.canceled.aborted)) continue
    const [copies, replaced] = [garbage.copies.length, garbage.replaced.length]
    await tx.query('savepoint output')
    try {
      await storeOutput(output, content, {
        tx,
        blobs,
        applicationId: execution.applicationId,
        notebookId: execution.notebookId,
        context,
        signal,
        dropAfterwards: (key) => garbage.replaced.push(key),
        dropOnFailure: (key) => garbage.copies.push(key),
        reject: (parts) => failures.set(output, outputFailure(output, invalid(leftOut(parts)))),
        warn: (message) =>
          warnings.push(storableText(`Output "${configuredName(output)}" (${output.outputType}): ${message}`)),
      })
      await tx.query('release savepoint output')
    } catch (error) {
      if (isContended(error)) throw error
      await tx.query('rollback to savepoint output')
      for (const key of garbage.copies.splice(copies)) garbage.undone.push(key)
      garbage.replaced.length = replaced // what was replaced is there again
      failures.set(output, outputFailure(output, error))
    }
  }
  const inOrder = [...files.byOutput.keys()].flatMap((output) => failures.get(output) ?? [])
  return { failures: inOrder, warnings }
}
