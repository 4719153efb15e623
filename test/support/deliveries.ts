/** A scene for tests of deliveries: a database, a queue, who tells, and who delivers once it is opened. */

import type { TestContext } from 'node:test'
import { createLog } from '../../server/ground/log.ts'
import { type DelivererParts, openDeliverer } from '../../server/jobs/deliver.ts'
import type { MailLimit } from '../../server/jobs/mail-limit.ts'
import { openQueue } from '../../server/jobs/queue.ts'
import { createReplay } from '../../server/jobs/replay.ts'
import { createTell } from '../../server/jobs/telling.ts'
import { makeApplication } from './make.ts'
import { openTestDatabase } from './postgres.ts'
import { until } from './until.ts'

/** What callbacks are signed with here. */
export const SECRET = 'a secret of the test'

/** With short pauses between tries, no mail server and every address allowed, unless the options say otherwise. */
export async function setDeliveryScene(
  t: TestContext,
  {
    mailLimit = { perHour: 1000, receivers: [] },
    ...options
  }: Partial<DelivererParts> & { mailLimit?: MailLimit } = {},
) {
  const db = await openTestDatabase(t, { poolSize: 10 })
  const log = createLog('silent')
  const queue = await openQueue(db, { supervise: false, log })
  t.after(() => queue[Symbol.asyncDispose]())
  const open = () =>
    openDeliverer({
      db,
      queue,
      log,
      mailer: undefined,
      secretsOf: async () => [SECRET],
      allowPrivate: true,
      pausesMs: [10, 10, 10, 10, 10],
      ...options,
    })
  const { id: applicationId } = await makeApplication(db)
  const tell = createTell({ queue, log, mailLimit })
  const replay = createReplay(db, queue, mailLimit)
  const replayAtMost = (callbacksPerHour: number) => createReplay(db, queue, mailLimit, callbacksPerHour)
  const callBack = (url: string, body: object = { done: true }) => tell(db, { applicationId, callback: { url, body } })
  const states = () =>
    db.query<{ status: string; tries: number; error: string | null }>(
      'select status, tries, error from deliveries order by created_at, id',
    )
  const settled = () => until(async () => (await states()).every(({ status }) => status !== 'waiting'))
  return { db, open, tell, replay, replayAtMost, callBack, states, settled, applicationId }
}
