/** What a crash leaves of files' content: collected once it is old enough, and never what a file has. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import { ofInstallation } from '../../server/catalog/application-limits.ts'
import { storeContent } from '../../server/catalog/files/content.ts'
import { createFile } from '../../server/catalog/files/create.ts'
import { collectFileOrphans } from '../../server/catalog/files/orphans.ts'
import { openFsBlobs } from '../../server/stores/blobs/fs.ts'
import { makeApplication, makeFolder, makePass } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

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
    await storeContent({ db, blobs }, tree, id, content('kept'), ofInstallation('fileBytes', 100))
  }
  // More than are asked for at once.
  for (let n = 0; n < 1100; n += 1) await blobs.put(`files/${applicationId}/orphan-${n}`, Buffer.from('lost'))
  await blobs.put('notebooks/1/a.ipynb', Buffer.from('another room’s'))
  const [none, lost] = [
    { count: 0, bytes: 0 },
    { count: 1100, bytes: 4400 },
  ]
  assert.deepEqual(await collectFileOrphans(db, blobs, makePass(23 / 24)), none)
  assert.deepEqual(await collectFileOrphans(db, blobs, makePass(25 / 24, true)), lost)
  assert.deepEqual(await collectFileOrphans(db, blobs, makePass(25 / 24)), lost)
  assert.deepEqual(await collectFileOrphans(db, blobs, makePass(25 / 24)), none)
  const left: string[] = []
  for await (const { key } of blobs.list('files')) left.push(String(await blobs.read(key)))
  assert.deepEqual(left, ['kept', 'kept'])
  assert.ok(await blobs.stat('notebooks/1/a.ipynb'))
})

test('collecting stops when it is told to', async (t) => {
  const db = await openTestDatabase(t)
  const blobs = await openFsBlobs(join(await makeFolder(t), 'blobs'))
  await blobs.put('files/a/orphan', Buffer.from('lost'))
  const stopped = { ...makePass(2), signal: AbortSignal.abort() }
  await assert.rejects(collectFileOrphans(db, blobs, stopped), { name: 'AbortError' })
  assert.ok(await blobs.stat('files/a/orphan'))
})
