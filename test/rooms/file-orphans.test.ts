/** What a crash leaves of files' content: collected once it is old enough, and never what a file has. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { storeContent } from '../../server/catalog/files/content.ts'
import { createFile } from '../../server/catalog/files/create.ts'
import { collectOrphans } from '../../server/catalog/files/orphans.ts'
import { openFsBlobs } from '../../server/stores/blobs/fs.ts'
import { makeApplication, makeFolder } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

const HOUR_MS = 3_600_000

test('blobs that no file has are collected after a day; what files have and what others keep is not', async (t) => {
  const db = await openTestDatabase(t)
  const blobs = await openFsBlobs(join(await makeFolder(t), 'blobs'))
  const { id: applicationId, ownerId } = await makeApplication(db)
  const author = { type: 'user', id: ownerId } as const
  const content = async function* (text: string) {
    yield Buffer.from(text)
  }
  for (const isPrivate of [false, true]) {
    const tree = { applicationId, private: isPrivate }
    const { id } = await createFile(db, tree, { name: 'f', type: 'file' }, author, 'file')
    await storeContent({ db, blobs }, tree, id, content('kept'), { maxBytes: 100, setting: 'A_SETTING' })
  }
  // More than are asked for at once.
  for (let n = 0; n < 1100; n += 1) await blobs.put(`files/${applicationId}/orphan-${n}`, Buffer.from('lost'))
  await blobs.put('notebooks/1/a.ipynb', Buffer.from('another room’s'))
  const later = (hours: number) => new Date(Date.now() + hours * HOUR_MS)
  assert.equal(await collectOrphans(db, blobs, later(23)), 0)
  assert.equal(await collectOrphans(db, blobs, later(25)), 1100)
  assert.equal(await collectOrphans(db, blobs, later(25)), 0)
  const left: string[] = []
  for await (const { key } of blobs.list('files')) left.push(String(await blobs.read(key)))
  assert.deepEqual(left, ['kept', 'kept'])
  assert.ok(await blobs.stat('notebooks/1/a.ipynb'))
})

test('collecting stops when it is told to', async (t) => {
  const db = await openTestDatabase(t)
  const blobs = await openFsBlobs(join(await makeFolder(t), 'blobs'))
  await blobs.put('files/a/orphan', Buffer.from('lost'))
  await assert.rejects(collectOrphans(db, blobs, new Date(Date.now() + 48 * HOUR_MS), AbortSignal.abort()), {
    name: 'AbortError',
  })
  assert.ok(await blobs.stat('files/a/orphan'))
})
