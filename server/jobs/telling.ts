/**
 * Telling people and programs of something that happened: rows written in the transaction in which it happens, sent
 * afterwards (deliver.ts). Jobs use it, and whatever else has an ending somebody waits for.
 */

import { newId } from '../ground/ids.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { DELIVERIES, type Queue } from './queue.ts'

export interface Message {
  readonly applicationId: string
  readonly mail?: { readonly to: string; readonly subject: string; readonly text: string } | undefined
  /** Posted as JSON to an address of somebody's. */
  readonly callback?: { readonly url: string; readonly body: object } | undefined
}

/** Queues a message through `db`; in a transaction that is rolled back nobody is told. */
export type Tell = (db: Queryable, message: Message) => Promise<void>

/** Tells over an open queue. */
export const createTell =
  (queue: Queue): Tell =>
  async (db, { applicationId, mail, callback }) => {
    const put = async (kind: 'mail' | 'callback', target: string, subject: string | null, body: string) => {
      const id = newId()
      await db.query(
        'insert into deliveries (id, application_id, kind, target, subject, body) values ($1, $2, $3, $4, $5, $6)',
        [id, applicationId, kind, target, subject, body],
      )
      await queue.put(db, DELIVERIES, id)
    }
    if (mail) await put('mail', mail.to, mail.subject, mail.text)
    if (callback) await put('callback', callback.url, null, JSON.stringify(callback.body))
  }
