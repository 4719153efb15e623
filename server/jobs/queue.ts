/**
 * The queue library, over our own sessions: an item comes and goes in the transaction of whoever moves it. The library's
 * loops are not used: they poll twice a second for each worker and finish items outside of any transaction.
 */

import { type ConstructorOptions, PgBoss } from 'pg-boss'
import { messageOf } from '../ground/errors.ts'
import type { Log } from '../ground/log.ts'
import type { Queryable } from '../stores/postgres/database.ts'

/** The queues; a notification on a channel of the same name says that something was put in. */
export type QueueName = 'fieldbook_jobs' | 'fieldbook_deliveries' | 'fieldbook_tidying'

export const JOBS: QueueName = 'fieldbook_jobs'
export const DELIVERIES: QueueName = 'fieldbook_deliveries'
export const TIDYING: QueueName = 'fieldbook_tidying'

/** How long an item may be out before the library believes its taker dead; a delivery takes seconds, tidying minutes. */
const EXPIRY_SECONDS: Record<QueueName, number> = {
  // Dropped in the transaction that takes them: the row says who has the job, and its worker's lock whether it lives.
  fieldbook_jobs: 60,
  fieldbook_deliveries: 120,
  fieldbook_tidying: 3600,
}

/** How often one process of all looks for items that are overdue and ended ones that can go, in seconds. */
const SUPERVISION_SECONDS = 60
/** Ended items are of no use: the logs are ours. Throttled ones have to stay for as long as they throttle, a day. */
const ENDED_SECONDS = 25 * 3600
const SCHEMA = 'fieldbook_queue'

export interface Item {
  readonly queue: QueueName
  /** The library's id, a UUID. */
  readonly key: string
  /** The row the item stands for. */
  readonly id: string
}

export interface PutOptions {
  readonly afterMs?: number
  /** Not put in when one was put in within the same stretch of this length, by whichever process. */
  readonly everySeconds?: number
}

export interface Queue extends AsyncDisposable {
  put(db: Queryable, queue: QueueName, id: string, options?: PutOptions): Promise<void>
  /** Takes up to `most` items that are due, oldest first. Taken in a transaction, they are free again if it fails. */
  take(db: Queryable, queue: QueueName, most: number): Promise<Item[]>
  /** What is done with an item: it is gone. */
  drop(db: Queryable, item: Item): Promise<void>
}

export interface QueueOptions {
  /** Whether this process looks for items whose takers died. */
  readonly supervise: boolean
  readonly superviseSeconds?: number
  readonly log: Log
}

/** Opens the queue, making its schema when there is none; with `supervise` it also looks after lost and ended items. */
export async function openQueue(
  db: Queryable,
  { supervise, log, superviseSeconds = SUPERVISION_SECONDS }: QueueOptions,
): Promise<Queue> {
  const boss = new PgBoss({
    db: through(db),
    schema: SCHEMA,
    supervise,
    schedule: false,
    superviseIntervalSeconds: superviseSeconds,
    maintenanceIntervalSeconds: superviseSeconds,
  })
  boss.on('error', (error) => log.warn({ error: messageOf(error) }, 'job queue not supervised'))
  await boss.start()
  for (const name of [JOBS, DELIVERIES, TIDYING]) await boss.createQueue(name, { deleteAfterSeconds: ENDED_SECONDS })
  return {
    put: async (via, queue, id, { afterMs, everySeconds } = {}) => {
      await boss.send(
        queue,
        { id },
        {
          db: through(via),
          // Whoever takes an item decides what becomes of it; only one whose taker died comes back by itself.
          retryLimit: 1000,
          expireInSeconds: EXPIRY_SECONDS[queue],
          retentionSeconds: 365 * 86_400,
          ...(afterMs ? { startAfter: afterMs / 1000 } : {}),
          ...(everySeconds ? { singletonSeconds: everySeconds } : {}),
        },
      )
      // Heard when the transaction commits; in one that is rolled back it is never sent.
      if (!afterMs) await via.query('select pg_notify($1, $2)', [queue, ''])
    },
    take: async (via, queue, most) => {
      const items = await boss.fetch<{ id: string }>(queue, { batchSize: most, db: through(via) })
      return items.map(({ id, data }) => ({ queue, key: id, id: data.id }))
    },
    drop: async (via, { queue, key }) => {
      // A throttle is the item that was put in: it has to stay. Of the others there may be many.
      if (queue === TIDYING) await boss.complete(queue, key, { db: through(via) })
      else await boss.deleteJob(queue, key, { db: through(via) })
    },
    [Symbol.asyncDispose]: () => boss.stop({ graceful: false, close: false }),
  }
}

const through = (db: Queryable): NonNullable<ConstructorOptions['db']> => ({
  executeSql: async (text: string, values?: readonly unknown[]) => ({ rows: await db.query(text, values) }),
})
