/** The door over parts of a test's own, without a worker: for what is easier asked of it than of a whole service. */

import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { createCallbackSecrets } from '../../server/access/callback-secrets.ts'
import { createPasswords } from '../../server/access/passwords.ts'
import { openStandings } from '../../server/access/standings.ts'
import { openTokens } from '../../server/access/tokens.ts'
import { createVault } from '../../server/access/vault.ts'
import { openWatch } from '../../server/executions/watch.ts'
import { readConfig } from '../../server/ground/config.ts'
import { createLog } from '../../server/ground/log.ts'
import { createApp } from '../../server/http/app.ts'
import type { ArrivalLimits } from '../../server/http/arrival.ts'
import type { Parts } from '../../server/http/parts.ts'
import { openFsBlobs } from '../../server/stores/blobs/fs.ts'
import { openDuckDb } from '../../server/stores/duckdb/duckdb.ts'
import { openIgnoredCounts } from '../../server/stores/telemetry/ignored.ts'
import { openTelemetry } from '../../server/stores/telemetry/telemetry.ts'
import { makeApplication, makeFolder } from './make.ts'
import { openTestDatabase, type TestDatabase } from './postgres.ts'

/** What links and forms of a test's door are signed with. */
export const SECRET = Buffer.alloc(32, 7)

/** For a test that asks more than any caller may. */
export const NO_RATES = { FIELDBOOK_CALLER_RATE: 'off', FIELDBOOK_ADDRESS_RATE: 'off', FIELDBOOK_LINK_RATE: 'off' }

/**
 * The door with settings of the test's own, an application, and its owner's token in every request; `real` brings parts
 * that are no stand-ins here.
 */
export async function openDoor(
  t: TestContext,
  env: Record<string, string> = {},
  arrival?: ArrivalLimits,
  real: (db: TestDatabase) => Promise<Partial<Parts>> = async () => ({}),
) {
  const db = await openTestDatabase(t)
  const folder = await makeFolder(t)
  const [blobs, tokens] = [await openFsBlobs(join(folder, 'blobs')), await openTokens(join(folder, 'keys'))]
  const health = { database: { ready: true }, image: { ready: true } }
  const log = createLog('silent')
  const config = readConfig({ FIELDBOOK_NOTEBOOK_SIZE: '10KB', FIELDBOOK_BODY_SIZE: '100KB', ...env }, folder)
  const linkFile = () => '/link'
  const draining = new AbortController()
  const watch = await openWatch(db)
  t.after(() => watch[Symbol.asyncDispose]())
  const standings = await openStandings(db)
  t.after(() => standings[Symbol.asyncDispose]())
  const root = join(folder, 'scratch')
  const duckdb = await openDuckDb({ root, threads: 2, memoryBytes: 2 ** 28, temporaryBytes: 2 ** 30 })
  const telemetry = await openTelemetry({ db, blobs, duckdb, root })
  t.after(() => duckdb[Symbol.asyncDispose]())
  const parts = {
    db,
    watch,
    blobs,
    duckdb,
    telemetry,
    tokens,
    standings,
    passwords: createPasswords(),
    vault: createVault(SECRET),
    config,
    log,
    linkSecret: SECRET,
    linkFile,
    jobs: { enqueue: () => Promise.reject(new Error('no request of this test queues a job')) },
    replay: () => Promise.reject(new Error('no request of this test replays a delivery')),
    callbackSecrets: createCallbackSecrets(SECRET),
    chores: {},
    ignoredCounts: openIgnoredCounts(db, log),
    languages: async () => [],
    health: async () => health,
    draining: draining.signal,
    ...(await real(db)),
  }
  const app = await createApp(parts, log, arrival)
  t.after(() => app.close())
  const application = await makeApplication(db)
  const token = await tokens.sign({ kind: 'user', userId: application.ownerId, scope: ['all.User'] }, 0)
  const ask = async (
    method: 'GET' | 'HEAD' | 'POST' | 'DELETE',
    url: string,
    payload?: object | string,
    headers: object = {},
  ) => {
    const json = typeof payload === 'string' ? { 'content-type': 'application/json' } : {}
    const reply = await app.inject({
      method,
      url,
      headers: { authorization: `Bearer ${token}`, ...json, ...headers },
      ...(payload === undefined ? {} : { payload }),
    })
    return { status: reply.statusCode, headers: reply.headers, text: reply.body, raw: reply.rawPayload }
  }
  return {
    app,
    db,
    folder,
    blobs,
    telemetry,
    duckdb,
    watch,
    draining,
    tokens,
    standings,
    health,
    application,
    ask,
    base: `/applications/${application.id}`,
  }
}
