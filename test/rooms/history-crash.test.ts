/** The sealing process is killed at every step, and seals, compactions and clearing away race readers: nothing differs. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { messageOf } from '../../server/ground/errors.ts'
import { waitFor } from '../../server/stores/postgres/wait.ts'
import type { Step } from '../../server/stores/telemetry/writing.ts'
import { type Doc, type History, openHistory } from '../support/history.ts'
import { ATTRIBUTES, DEVICES, Model } from '../support/history-model.ts'
import type { SealOrder } from '../support/seal-main.ts'

const PROGRAM = fileURLToPath(new URL('../support/seal-main.ts', import.meta.url))
const never = new AbortController().signal
const ALL = { deviceIds: DEVICES, attributes: ATTRIBUTES }
/** Several passes, files and runs of a few reports. */
const SMALL = { graceMs: 0, passRows: 4, fileRows: 3, fewestRuns: 2, fullRows: 1000 }
const STEPS: Step[] = ['looked', 'written', 'promised', 'stored', 'changing', 'changed']

/** Reports to all devices, duplicates and other types among them, different in each round. */
async function report(history: History, model: Model, round: number): Promise<void> {
  for (const [place, device] of DEVICES.entries()) {
    const reports = [0, 1, 2].map((index): [number, Doc] => [
      (index * 7 + round + place) % 10,
      index === 1 ? { a: `text ${round}`, A: round % 2 === 0 } : { a: round + index / 2, b: index },
    ])
    await history.append(device, ...reports)
    model.write(device, reports)
  }
}

const check = async (history: History, model: Model, when: string) =>
  assert.equal(await history.exported(ALL), model.csv(DEVICES, ATTRIBUTES, {}), when)

/** Runs the program until it has died; the lock of its session may outlive it for a moment. */
async function killedAt(history: History, dieAt: Step, time: number, tending: SealOrder['tending']): Promise<void> {
  const { applicationId, folder } = history
  const order: SealOrder = { connection: history.db.connection, folder, applicationId, tending, dieAt, time }
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(order)], { stdio: ['ignore', 'inherit', 'inherit'] })
  const [, signal] = await once(child, 'exit')
  assert.equal(signal, 'SIGKILL', `it was to die at "${dieAt}"`)
}

const sealed = (history: History, tending: object) =>
  waitFor(async () => ((await history.telemetry.sealNow(history.applicationId, never, tending)) ? true : undefined), {
    limitMs: 60_000,
    late: () => 'somebody else holds the lock of the application',
  })

/** Every blob is a segment, and every segment has its blob. */
async function checkFiles({ db, folder, applicationId }: History): Promise<void> {
  const rows = await db.query<{ id: string }>('select id from segments where application_id = $1', [applicationId])
  const files = await readdir(join(folder, 'blobs', 'telemetry', applicationId)).catch(() => [])
  assert.deepEqual(files.sort(), rows.map(({ id }) => `${id}.parquet`).sort())
}

for (const step of STEPS) {
  test(`killed when it has come to "${step}", sealing and compacting lose and double nothing`, async (t) => {
    const history = await openHistory(t)
    const model = new Model()
    const { db, applicationId } = history
    await report(history, model, 0)
    // The first seal dies, then one that comes to an end in part, then a compaction with something to forget.
    await killedAt(history, step, 1, SMALL)
    await check(history, model, 'after a seal was killed')
    await report(history, model, 1)
    await check(history, model, 'with later reports')
    await killedAt(history, step, 3, SMALL)
    await check(history, model, 'after a later step was killed')
    await sealed(history, { ...SMALL, fewestRuns: 1000 })
    await report(history, model, 2)
    await sealed(history, { ...SMALL, fewestRuns: 1000 })
    await db.transaction((tx) => history.telemetry.forget(tx, applicationId, DEVICES.slice(0, 1), { from: 3, to: 6 }))
    model.forget(DEVICES.slice(0, 1), { from: 3, to: 6 })
    await check(history, model, 'with something forgotten')
    await killedAt(history, step, 1, SMALL)
    await check(history, model, 'after a rewrite was killed')
    await sealed(history, SMALL)
    await check(history, model, 'after all was done')
    await checkFiles(history)
    assert.deepEqual(await db.query('select id from tombstones'), [])
  })
}

test('exports that race seals, compactions and clearing away see every acknowledged report once', async (t) => {
  const history = await openHistory(t, { sorting: { mostRows: 20, fewRows: 0 } })
  const model = new Model()
  await report(history, model, 0)
  const stop = new AbortController()
  const faults: string[] = []
  const sealing = (async () => {
    while (!stop.signal.aborted) await history.telemetry.sealNow(history.applicationId, never, SMALL)
  })().catch((error) => faults.push(messageOf(error)))
  for (let round = 1; round <= 8; round += 1) {
    await report(history, model, round)
    const expected = model.csv(DEVICES, ATTRIBUTES, {})
    const texts = await Promise.all(Array.from({ length: 10 }, () => history.exported(ALL)))
    for (const text of texts) assert.equal(text, expected, `round ${round}`)
  }
  stop.abort()
  await sealing
  assert.deepEqual(faults, [])
  await sealed(history, SMALL)
  await check(history, model, 'at the end')
  await checkFiles(history)
})

test('a report that is committed late, with a seq below others, is neither missed nor sealed before its time', async (t) => {
  const history = await openHistory(t)
  const { db, applicationId } = history
  const [device = ''] = DEVICES
  const insert = `insert into hot_states (application_id, device_id, ts, doc) values ($1, $2, $3, $4)`
  let sealing: Promise<boolean> | undefined
  await db.transaction(async (tx) => {
    await tx.query(insert, [applicationId, device, 1, '{"a": "early seq"}'])
    await history.append(device, [1, { a: 'late seq' }], [2, { a: 2 }])
    sealing = history.telemetry.sealNow(applicationId, never, SMALL)
    // It waits for us: nothing is sealed while we are open.
    await waitFor(
      async () =>
        (await db.query(`select from pg_stat_activity where query like '%pg_locks%'`)).length > 0 ? true : undefined,
      { limitMs: 20_000, late: () => 'the seal does not look for writers' },
    )
    assert.deepEqual(await db.query('select id from segments'), [])
  })
  await sealing
  const { hotReports, sealedStates } = await history.telemetry.describe(applicationId)
  assert.deepEqual([hotReports, sealedStates], [0, 2])
  assert.equal(
    await history.exported({ deviceIds: [device], attributes: ['a'] }),
    `ID,Timestamp,a\n${device},1,late seq\n${device},2,2\n`,
  )
})

test('what is forgotten while it is being sealed is not in the segment; what is reported afterwards is', async (t) => {
  const [device = ''] = DEVICES
  let once = true
  const history: History = await openHistory(t, {
    step: async (step) => {
      if (step !== 'stored' || !once) return
      once = false
      await history.db.transaction((tx) => history.telemetry.forget(tx, history.applicationId, [device]))
      await history.append(device, [2, { a: 'after' }])
    },
  })
  await history.append(device, [1, { a: 'before' }], [2, { b: 'before' }])
  await sealed(history, SMALL)
  const after = `ID,Timestamp,a,b\n${device},2,after,\n`
  assert.equal(await history.exported({ deviceIds: [device], attributes: ['a', 'b'] }), after)
  await sealed(history, SMALL)
  assert.equal(await history.exported({ deviceIds: [device], attributes: ['a', 'b'] }), after)
  await checkFiles(history)
})
