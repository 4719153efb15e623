/**
 * From written endings to messages. The database writes down each ending that somebody wants to be told of, in the
 * statement of its final status (migration 16); here each becomes its deliveries, in the transaction that removes it. So
 * an ending is told once, whoever wrote it and whatever dies in between.
 */

import { messageOf } from '../ground/errors.ts'
import type { Log } from '../ground/log.ts'
import { openPump } from '../jobs/pump.ts'
import type { Tell } from '../jobs/telling.ts'
import { isAway } from '../stores/postgres/away.ts'
import type { Database, Transaction } from '../stores/postgres/database.ts'
import { endMessage } from './end-message.ts'
import { type ExecutionRow, type KeptFile, type Tells, toExecution } from './record.ts'

/** Notified when an ending was written. */
const ENDINGS = 'fieldbook_endings'

export interface EndingsParts {
  readonly db: Database
  readonly log: Log
  readonly tell: Tell
  /** As in `http/parts.ts`. */
  readonly linkFile: (baseUrl: string, blobKey: string, fileName: string, from: Date) => string
  readonly linkDays: number
  /** What links start with where the one who asked reached the service by no address. */
  readonly baseUrl: string
  /** How long one that could not be told is left alone; a minute unless given. */
  readonly retryMs?: number
}

/** Another statement that took too long, a full disk: what passes has passed by then, and what stays costs a line a minute. */
const RETRY_MS = 60_000

/** A row as `to_jsonb` gives it: moments are text. */
type EndedRow = ExecutionRow & { readonly tells: Tells }

interface Written {
  readonly seq: number
  readonly execution: EndedRow
  readonly applicationName: string
}

/** Tells of endings until disposed. Every worker may; an ending is told by the one whose transaction removes it. */
export function openEndings(parts: EndingsParts): Promise<AsyncDisposable> {
  const { db, log } = parts
  // Those that could not be told, and when they are tried again: meanwhile they hold up no others.
  const putOff = new Map<number, number>()
  const take = async () => {
    let seq: number | undefined
    const nowMs = performance.now()
    for (const [one, retryAt] of putOff) if (retryAt <= nowMs) putOff.delete(one)
    const once = async (tx: Transaction) => {
      const written = await takeOne(tx, [...putOff.keys()])
      seq = written?.seq
      if (written) await parts.tell(tx, messageOfRow(written, parts))
      return written !== undefined
    }
    try {
      return await db.transaction(once, { repeatable: true })
    } catch (error) {
      if (seq === undefined || isAway(error)) throw error
      putOff.set(seq, performance.now() + (parts.retryMs ?? RETRY_MS))
      log.error({ ending: seq, error: messageOf(error) }, 'ending not told')
      return true
    }
  }
  return openPump({ db, log, channel: ENDINGS, take })
}

const takeOne = (tx: Transaction, putOff: readonly number[]): Promise<Written | undefined> =>
  tx.one<Written>(
    `delete from execution_endings using applications
     where applications.id = execution_endings.application_id and seq = (
       select seq from execution_endings where seq <> all ($1::bigint[]) order by seq limit 1 for update skip locked
     ) returning seq, execution, applications.name as "applicationName"`,
    [putOff],
  )

function messageOfRow({ execution: row, applicationName }: Written, parts: EndingsParts) {
  const execution = toExecution(withDates(row))
  const baseUrl = row.tells.baseUrl ?? parts.baseUrl
  const path = `/applications/${execution.applicationId}/notebooks/${execution.notebookId}/executions/${execution.id}`
  return endMessage(
    { execution, tells: row.tells, applicationName },
    {
      linkFile: (file: KeptFile, name, from) => parts.linkFile(baseUrl, file.key, name, from),
      days: parts.linkDays,
      logUrl: baseUrl + path,
    },
  )
}

const MOMENTS = ['relative_to', 'queued_at', 'started_at', 'inputs_completed_at', 'notebook_completed_at'] as const

function withDates(row: EndedRow): EndedRow {
  const moments = [...MOMENTS, 'outputs_completed_at' as const].map((name) => {
    const at = row[name]
    return [name, at === null ? null : new Date(at)] as const
  })
  return { ...row, ...Object.fromEntries(moments) }
}
