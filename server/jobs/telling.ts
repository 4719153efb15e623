/**
 * Telling people and programs of something that happened: rows written in the transaction in which it happens, sent
 * afterwards (deliver.ts). Jobs use it, executions, and whatever else has an ending somebody waits for.
 */

import { newId } from '../ground/ids.ts'
import type { Log } from '../ground/log.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import type { MailContent } from './letter.ts'
import { countTurn, type MailLimit, refusalOf } from './mail-limit.ts'
import { DELIVERIES, type Queue } from './queue.ts'

export interface Message {
  readonly applicationId: string
  /** What it tells of, so that the log of deliveries can be asked for it. */
  readonly about?: { readonly type: 'execution' | 'job'; readonly id: string }
  readonly mail?: ({ readonly to: string } & MailContent) | undefined
  /** Posted as JSON to an address of somebody's. */
  readonly callback?: { readonly url: string; readonly body: object } | undefined
}

/** Queues a message through `db`; in a transaction that is rolled back nobody is told. */
export type Tell = (db: Queryable, message: Message) => Promise<void>

export interface TellParts {
  readonly queue: Queue
  readonly mailLimit: MailLimit
  readonly log: Log
}

/** Tells over an open queue. A mail that may not be sent is in the log of deliveries as refused, and nothing fails. */
export const createTell =
  ({ queue, mailLimit, log }: TellParts): Tell =>
  async (db, { applicationId, about, mail, callback }) => {
    const put = async (kind: 'mail' | 'callback', target: string, body: string, content?: MailContent) => {
      const id = newId()
      const refusal = kind === 'mail' ? (await refusalOf(db, mailLimit, applicationId, target))?.message : undefined
      if (refusal) log.warn({ applicationId, deliveryId: id, refusal }, 'mail refused')
      await db.query(
        `insert into deliveries (id, application_id, kind, target, body, subject, html, about_type, about_id,
           status, error, ended_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, case when $10 = 'refused' then clock_timestamp() end)`,
        [
          id,
          applicationId,
          kind,
          target,
          body,
          content?.subject ?? null,
          content?.html ?? null,
          about?.type ?? null,
          about?.id ?? null,
          refusal ? 'refused' : 'waiting',
          refusal ?? null,
        ],
      )
      if (refusal) return
      if (kind === 'mail') await countTurn(db, id)
      await queue.put(db, DELIVERIES, id)
    }
    if (mail) await put('mail', mail.to, mail.text, mail)
    if (callback) await put('callback', callback.url, JSON.stringify(callback.body))
  }
