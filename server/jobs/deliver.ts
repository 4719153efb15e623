/**
 * Sends what was told: mails and callbacks, each up to six times with growing pauses. At least once: a receiver knows one
 * that comes twice by its delivery id.
 */

import { messageOf } from '../ground/errors.ts'
import type { Log } from '../ground/log.ts'
import type { Mailer } from '../outgoing/mail.ts'
import { postJson } from '../outgoing/post-json.ts'
import { untilBack } from '../stores/postgres/away.ts'
import type { Database } from '../stores/postgres/database.ts'
import { openPump } from './pump.ts'
import { DELIVERIES, type Item, type Queue } from './queue.ts'
import { createReceivers } from './receivers.ts'
import { signBody } from './signature.ts'

export interface DelivererParts {
  readonly db: Database
  readonly queue: Queue
  readonly log: Log
  /** undefined where no mail server is set: mails are kept. */
  readonly mailer: Mailer | undefined
  readonly callbackSecret: string
  readonly allowPrivate: boolean
  /** The pauses after the first try, the second, …; there is one try more than pauses. */
  readonly pausesMs?: readonly number[]
  /** How long a receiver of a callback may take to answer. */
  readonly callbackMs?: number
}

interface Delivery {
  readonly id: string
  readonly kind: 'mail' | 'callback'
  readonly target: string
  readonly subject: string | null
  readonly body: string
  readonly status: string
  readonly tries: number
}

/** Six tries within about an hour and a half: a receiver that is being deployed anew is back by then. */
const PAUSES_MS = [10_000, 60_000, 300_000, 1_200_000, 3_600_000] as const
const CALLBACK_MS = 10_000
const MAIL_MS = 60_000
/** At a time, to all receivers together; each waits for an answer and costs a socket. */
const SLOTS = 64
const BATCH = 16

/** Sends until disposed; what is under way then is called off and sent again by the next one. */
export async function openDeliverer(parts: DelivererParts): Promise<AsyncDisposable> {
  const { db, queue, log } = parts
  const pauses = parts.pausesMs ?? PAUSES_MS
  const receivers = createReceivers()
  const stop = new AbortController()
  const underWay = new Set<Promise<void>>()

  const handle = async (item: Item) => {
    const delivery = await db.one<Delivery>(
      'select id, kind, target, subject, body, status, tries from deliveries where id = $1',
      [item.id],
    )
    if (delivery?.status !== 'waiting') return queue.drop(db, item) // sent before its taker died, or its application is gone
    const receiver = receiverOf(delivery)
    const startMs = performance.now()
    const waitMs = receivers.admit(receiver, startMs)
    if (waitMs > 0) return later(item, waitMs)
    const failure = await send(delivery, parts, stop.signal).finally(() =>
      receivers.done(receiver, performance.now() - startMs),
    )
    if (stop.signal.aborted && failure !== undefined) return later(item, 0)
    await untilBack(() => record(item, delivery, failure))
  }

  /** Without a try being counted. */
  const later = (item: Item, afterMs: number) =>
    db.transaction(async (tx) => {
      await queue.drop(tx, item)
      await queue.put(tx, DELIVERIES, item.id, { afterMs })
    })

  const record = (item: Item, { id, kind, tries }: Delivery, failure: string | undefined) =>
    db.transaction(async (tx) => {
      const pauseMs = pauses[tries]
      const status = failure === undefined ? ENDED[kind](parts) : pauseMs === undefined ? 'failed' : 'waiting'
      await tx.query(
        `update deliveries set status = $2, tries = $3, error = $4,
           ended_at = case when $2 = 'waiting' then null else clock_timestamp() end where id = $1`,
        [id, status, tries + 1, failure ?? null],
      )
      await queue.drop(tx, item)
      if (status === 'waiting') await queue.put(tx, DELIVERIES, id, { afterMs: pauseMs ?? 0 })
      if (failure !== undefined) log.warn({ deliveryId: id, kind, tries: tries + 1, failure, status }, 'not delivered')
    })

  const take = async (): Promise<boolean> => {
    const free = Math.min(BATCH, SLOTS - underWay.size)
    if (free <= 0) return false
    const items = await queue.take(db, DELIVERIES, free)
    for (const item of items) {
      const handling = handle(item)
        .catch((error: unknown) => log.warn({ deliveryId: item.id, error: messageOf(error) }, 'delivery not recorded'))
        .finally(() => {
          underWay.delete(handling)
          pump.wake()
        })
      underWay.add(handling)
    }
    return items.length > 0
  }

  const pump = await openPump({ db, log, channel: DELIVERIES, take })
  return {
    async [Symbol.asyncDispose]() {
      await pump[Symbol.asyncDispose]()
      stop.abort()
      await Promise.all(underWay)
    },
  }
}

const ENDED: Record<Delivery['kind'], (parts: DelivererParts) => string> = {
  mail: ({ mailer }) => (mailer ? 'delivered' : 'kept'),
  callback: () => 'delivered',
}

/** The origin of a callback's URL; mails all go to one server. */
const receiverOf = ({ kind, target }: Delivery) => (kind === 'mail' ? 'mail' : (URL.parse(target)?.origin ?? target))

/** Sends once and gives what went wrong, if anything did. */
async function send(delivery: Delivery, parts: DelivererParts, signal: AbortSignal): Promise<string | undefined> {
  try {
    await (delivery.kind === 'mail' ? sendMail(delivery, parts) : callBack(delivery, parts, signal))
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

const callBack = ({ id, target, body }: Delivery, parts: DelivererParts, signal: AbortSignal) =>
  postJson(target, body, {
    headers: {
      'x-fieldbook-delivery': id,
      'x-fieldbook-signature': signBody(parts.callbackSecret, body, new Date()),
    },
    timeoutMs: parts.callbackMs ?? CALLBACK_MS,
    signal,
    allowPrivate: parts.allowPrivate,
  })

async function sendMail({ id, target, subject, body }: Delivery, { mailer }: DelivererParts): Promise<void> {
  if (!mailer) return
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`the mail server took longer than ${MAIL_MS / 1000} s`)), MAIL_MS)
  try {
    const mail = { to: target, subject: subject ?? '', text: body, messageId: `<${id}@fieldbook>` }
    await Promise.race([mailer.send(mail), late])
  } finally {
    clearTimeout(timer)
  }
}
