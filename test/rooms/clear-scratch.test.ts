/** What killed processes left in the scratch folder goes, what others use stays. */

import assert from 'node:assert/strict'
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { clearScratch } from '../../server/ground/clear-scratch.ts'
import { makeFolder, makePass } from '../support/make.ts'

test('files and folders of more than a day ago go, younger ones and the folders of processes stay', async (t) => {
  const root = await makeFolder(t)
  const now = new Date()
  const old = new Date(now.getTime() - 25 * 3_600_000)
  for (const owner of ['telemetry-a', 'duckdb-b']) await mkdir(join(root, owner))
  await mkdir(join(root, 'telemetry-a', 'seal-1'))
  await writeFile(join(root, 'telemetry-a', 'seal-1', 'reports.tsv'), 'x')
  for (const name of ['old.tsv', 'new.tsv']) await writeFile(join(root, 'duckdb-b', name), 'x')
  await utimes(join(root, 'telemetry-a', 'seal-1'), old, old)
  await utimes(join(root, 'duckdb-b', 'old.tsv'), old, old)

  assert.deepEqual(await clearScratch(root, makePass(0, true)), { count: 2, bytes: 2 })
  assert.deepEqual(await clearScratch(root, makePass()), { count: 2, bytes: 2 })

  assert.deepEqual(await readdir(join(root, 'telemetry-a')), [])
  assert.deepEqual(await readdir(join(root, 'duckdb-b')), ['new.tsv'])
  assert.deepEqual(await clearScratch(join(root, 'nowhere'), makePass()), { count: 0, bytes: 0 })
})
