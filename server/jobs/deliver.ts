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
  /** What callbacks of an application are signed with: one secret, or two while it is being replaced. */
  readonly secretsOf: (applicationId: string) => Promise<readonly string[]>
  readonly allowPrivate: boolean
  /** The pauses after the first try, the second, …; there is one try more than pauses. */
  readonly pausesMs?: readonly number[]
  /** How long a receiver of a callback may take to answer. */
  readonly callbackMs?: number
}

interface Delivery {
  readonly id: string
  readonly applicationId: string
  readonly kind: 'mail' | 'callback'
  readonly target: string
  readonly subject: string | null
  readonly body: string
  readonly html: string | null
  readonly status: string
  readonly tries: number
  /** Grows with every replay. */
  readonly turn: number
}

/** One try, as the log keeps it. */
interface Attempt {
  readonly at: string
  readonly tookMs: number
  readonly error?: string
}

/** Tries that are remembered; over the years there may be any number of replays. */
const HISTORY = 50
/** Six tries within about an hour and a half: a receiver that is being deployed anew is back by then. */
const PAUSES_MS = [10_000, 60_000, 300_000, 1_200_000, 3_600_000] as const
const CALLBACK_MS = 10_000
const MAIL_MS = 60_000
/** At a time, to all receivers together; each waits for an answer and costs a socket. */
const SLOTS = 64
const BATCH = 16
const FOR_A_RECEIVER = 2
/** One with many dead receivers leaves three quarters of the slots to the others. */
const FOR_AN_APPLICATION = SLOTS / 4

/** Sends until disposed; what is under way then is called off and sent again by the next one. */
export async function openDeliverer(parts: DelivererParts): Promise<AsyncDisposable> {
  const { db, queue, log } = parts
  const pauses = parts.pausesMs ?? PAUSES_MS
  const receivers = createReceivers(FOR_A_RECEIVER)
  const senders = createReceivers(FOR_AN_APPLICATION)
  const stop = new AbortController()
  const underWay = new Set<Promise<void>>()

  const handle = async (item: Item) => {
    const delivery = await db.one<Delivery>(
      `select id, application_id as "applicationId", kind, target, subject, body, html, status, tries, turn
       from deliveries where id = $1 and turn = $2`,
      turnOf(item),
    )
    // Of a turn before a replay, sent before its taker died, or its application is gone.
    if (delivery?.status !== 'waiting') return queue.drop(db, item)
    const receiver = receiverOf(delivery)
    const startMs = performance.now()
    const at = new Date().toISOString()
    const waitMs = admit(delivery.applicationId, receiver, startMs)
    if (waitMs > 0) return later(item, waitMs)
    const failure = await send(delivery, parts, stop.signal).finally(() => {
      const tookMs = performance.now() - startMs
      receivers.done(receiver, tookMs)
      senders.done(delivery.applicationId, tookMs)
    })
    if (stop.signal.aborted && failure !== undefined) return later(item, 0)
    const tookMs = Math.round(performance.now() - startMs)
    await untilBack(() => record(item, delivery, { at, tookMs, ...(failure === undefined ? {} : { error: failure }) }))
  }

  /** How long a delivery has to wait for its turn; 0 when it is its turn, for its application and for its receiver. */
  const admit = (applicationId: string, receiver: string, nowMs: number): number => {
    const waitMs = senders.admit(applicationId, nowMs)
    if (waitMs > 0) return waitMs
    const turnMs = receivers.admit(receiver, nowMs)
    if (turnMs > 0) senders.release(applicationId)
    return turnMs
  }

  /** Without a try being counted. */
  const later = (item: Item, afterMs: number) =>
    db.transaction(async (tx) => {
      await queue.drop(tx, item)
      await queue.put(tx, DELIVERIES, item.id, { afterMs })
    })

  const record = (item: Item, { id, kind, tries, turn }: Delivery, attempt: Attempt) =>
    db.transaction(async (tx) => {
      const pauseMs = pauses[tries]
      const failure = attempt.error
      const status = failure === undefined ? ENDED[kind](parts) : pauseMs === undefined ? 'failed' : 'waiting'
      const rows = await tx.query(
        `update deliveries set status = $2, tries = $3, error = $4,
           ended_at = case when $2 = 'waiting' then null else clock_timestamp() end,
           next_try_at = case when $2 = 'waiting' then clock_timestamp() + $5 * interval '1 millisecond' end,
           history = case when jsonb_array_length(history) >= ${HISTORY} then history - 0 else history end || $6::jsonb
         where id = $1 and turn = $7 returning id`,
        [id, status, tries + 1, failure ?? null, pauseMs ?? 0, JSON.stringify([attempt]), turn],
      )
      await queue.drop(tx, item)
      // Replayed meanwhile, it has another item.
      if (rows.length > 0 && status === 'waiting') await queue.put(tx, DELIVERIES, item.id, { afterMs: pauseMs ?? 0 })
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

/** The delivery and its turn that an item stands for: `id`, or `id/turn` after a replay. */
function turnOf(item: Item): [id: string, turn: number] {
  const [id = '', turn = '0'] = item.id.split('/')
  return [id, Number(turn)]
}

/** Sends once and gives what went wrong, if anything did. A database that is away is no fault of the receiver, and thrown. */
async function send(delivery: Delivery, parts: DelivererParts, signal: AbortSignal): Promise<string | undefined> {
  const secrets = delivery.kind === 'callback' ? await parts.secretsOf(delivery.applicationId) : []
  try {
    await (delivery.kind === 'mail' ? sendMail(delivery, parts) : callBack(delivery, secrets, parts, signal))
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

const callBack = (
  { id, target, body }: Delivery,
  secrets: readonly string[],
  parts: DelivererParts,
  signal: AbortSignal,
) =>
  postJson(target, body, {
    headers: {
      'x-fieldbook-delivery': id,
      'x-fieldbook-signature': signBody(secrets, body, new Date()),
    },
    timeoutMs: parts.callbackMs ?? CALLBACK_MS,
    signal,
    allowPrivate: parts.allowPrivate,
  })

async function sendMail({ id, target, subject, body, html }: Delivery, { mailer }: DelivererParts): Promise<void> {
  if (!mailer) return
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`the mail server took longer than ${MAIL_MS / 1000} s`)), MAIL_MS)
  try {
    const content = { subject: subject ?? '', text: body, html: html ?? undefined }
    const mail = { to: target, ...content, messageId: `<${id}@fieldbook>` }
    await Promise.race([mailer.send(mail), late])
  } finally {
    clearTimeout(timer)
  }
}
