/** The jobs upon history, done without a queue: which columns an export has, what a removal takes and what it leaves. */

import assert from 'node:assert/strict'
import { mkdtemp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { exportData } from '../../server/catalog/data-export.ts'
import { removeData } from '../../server/catalog/data-removal.ts'
import { newId } from '../../server/ground/ids.ts'
import { createLog } from '../../server/ground/log.ts'
import type { JobWork } from '../../server/jobs/work.ts'
import { appendConnections } from '../../server/stores/telemetry/connections.ts'
import { openHistory } from '../support/history.ts'
import { makeDevice } from '../support/make.ts'

type Where = 'hot' | 'sealed'
const EVERYWHERE: Where[] = ['hot', 'sealed']

/** `settle` brings what was reported to where the test wants it. */
async function openPlant(t: TestContext, where: Where) {
  const history = await openHistory(t)
  const { applicationId, db, folder, telemetry } = history
  const run = async (work: JobWork, input: object, signal = new AbortController().signal) => {
    const progress: [number, number][] = []
    const requester = { type: 'user' as const, id: newId() }
    const job = { id: newId(), applicationId, kind: 'k', name: 'n', resourceType: 'device' as const, requester }
    const result = await work(
      { ...job, input: { ...input }, baseUrl: '', attempt: 1, lostAttempts: 0 },
      {
        folder: await mkdtemp(join(folder, 'job-')),
        signal,
        progress: (completed, total) => progress.push([completed, total]),
        log: createLog('silent'),
      },
    )
    const [file] = result.files ?? []
    return { ...result, progress, text: file ? await readFile(file.path, 'utf8') : '' }
  }
  return {
    ...history,
    run,
    settle: async () => {
      if (where === 'hot') return
      assert.ok(await telemetry.sealNow(applicationId, new AbortController().signal))
      assert.deepEqual(await db.query('select from hot_states'), [])
    },
    exported: async (input: object) =>
      (await run(exportData({ db, telemetry }), { start: 1, end: 10_000, ...input })).text,
    removed: (input: object, signal?: AbortSignal) =>
      run(removeData({ db, telemetry }), { start: 1, end: 10_000, keepConnectionHistory: false, ...input }, signal),
  }
}

for (const where of EVERYWHERE) {
  test(`${where}: columns are the attributes asked for in their order, else those declared; blobs when they are asked for`, async (t) => {
    const { db, applicationId, append, exported, settle } = await openPlant(t, where)
    const a = await makeDevice(db, {
      applicationId,
      attributes: [
        { name: 'x', dataType: 'number' },
        { name: 'photo', dataType: 'blob' },
        { name: 'both', dataType: 'blob' },
      ],
    })
    const b = await makeDevice(db, {
      applicationId,
      attributes: [
        { name: 'y', dataType: 'boolean' },
        { name: 'both', dataType: 'string' },
      ],
    })
    await append(a.id, [-62_135_596_800_000, { x: 1 }], [5, { x: 2, photo: 'AA' }])
    await append(b.id, [7, { y: true, both: 'text' }])
    await settle()
    const deviceIds = [a.id, b.id]
    const text = async (rest: object) =>
      (await exported({ deviceIds, ...rest })).replaceAll(a.id, 'A').replaceAll(b.id, 'B')
    assert.equal(
      await text({}),
      `ID,Timestamp,ISO Date,x,both,y
A,-62135596800000,0001-01-01T00:00:00.000Z,1,,
A,5,1970-01-01T00:00:00.005Z,2,,
B,7,1970-01-01T00:00:00.007Z,,text,1
`,
    )
    const options = { includeDate: false, includeID: false, includeBlobData: true }
    assert.equal(
      await text({ attributes: ['photo', 'nothing', 'x', 'x'], start: 5, end: 6, options }),
      'Timestamp,photo,nothing,x\n5,AA,,2\n',
    )
    assert.equal(await text({ deviceIds: [(await makeDevice(db)).id] }), 'ID,Timestamp,ISO Date\n')
  })
}

for (const where of EVERYWHERE) {
  test(`${where}: a removal takes the range of the devices chosen, with their connections, and nothing of others`, async (t) => {
    const { db, applicationId, append, removed, telemetry, settle } = await openPlant(t, where)
    const attributes = [{ name: 'x', dataType: 'number' as const }]
    const [first, second] = [
      await makeDevice(db, { applicationId, attributes }),
      await makeDevice(db, { applicationId, attributes }),
    ]
    const foreign = await makeDevice(db, { attributes })
    for (const { id } of [first, second, foreign]) {
      await append(id, ...[1, 2, 3].map((ts): [number, { x: number; y: number }] => [ts, { x: ts, y: ts }]))
      await appendConnections(
        db,
        applicationId,
        id,
        [1, 2, 3].map((ts) => ({ ts, connected: true })),
      )
    }
    await settle()
    const left = async (deviceId: string) => [
      (await telemetry.readStates({ applicationId, deviceId, newestFirst: false, limit: 9 })).map(({ ts, doc }) => [
        ts,
        ...Object.keys(doc),
      ]),
      (await db.query<{ ts: number }>('select ts from connections where device_id = $1 order by ts', [deviceId])).map(
        ({ ts }) => ts,
      ),
    ]
    const whole = [
      [1, 'x', 'y'],
      [2, 'x', 'y'],
      [3, 'x', 'y'],
    ]
    const { output, progress } = await removed({ deviceIds: [first.id, foreign.id], start: 2, end: 3 })
    assert.deepEqual([output, progress], [{ devices: 1 }, [[1, 1]]])
    assert.deepEqual(await left(first.id), [
      [whole[0], whole[2]],
      [1, 3],
    ])
    assert.deepEqual(await left(foreign.id), [whole, [1, 2, 3]])
    await removed({ deviceQuery: { id: second.id }, attributes: ['y', 'z'], end: 3, keepConnectionHistory: true })
    assert.deepEqual(await left(second.id), [
      [[1, 'x'], [2, 'x'], whole[2]],
      [1, 2, 3],
    ])
    await removed({ deviceQuery: {}, attributes: [], keepConnectionHistory: true })
    assert.deepEqual(await left(first.id), [[], [1, 3]])
    assert.deepEqual(await left(second.id), [[], [1, 2, 3]])
    await assert.rejects(removed({ deviceQuery: {} }, AbortSignal.abort(new Error('stopped'))), /stopped/)
    assert.deepEqual((await left(second.id))[1], [1, 2, 3])
  })
}
