/** Sealing of long reports: as many at once as DuckDB's memory holds, and then the next. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { openDuckDb } from '../../server/stores/duckdb/duckdb.ts'
import { openTelemetry } from '../../server/stores/telemetry/telemetry.ts'
import { openHistory } from '../support/history.ts'

test('an application with more long texts than fit in memory is sealed in several passes', async (t) => {
  const { db, blobs, folder, applicationId, append } = await openHistory(t)
  const root = join(folder, 'sealing')
  await using duckdb = await openDuckDb({ root, threads: 2, memoryBytes: 2 ** 29, temporaryBytes: 2 ** 30 })
  await using telemetry = await openTelemetry({ db, blobs, duckdb, root })
  const deviceId = 'a'.repeat(24)
  for (let part = 0; part < 12; part++) {
    await append(
      deviceId,
      ...Array.from({ length: 100 }, (_, n): [number, { note: string }] => [
        part * 100 + n,
        { note: `${part} ${n} `.repeat(10_000) },
      ]),
    )
  }
  assert.equal(await telemetry.sealNow(applicationId, new AbortController().signal), true)
  assert.deepEqual(await db.query('select from hot_states'), [])
  const wanted = { applicationId, deviceId, newestFirst: true, limit: 1 }
  assert.deepEqual(await telemetry.readStates(wanted), [{ ts: 1199, doc: { note: '11 99 '.repeat(10_000) } }])
})
