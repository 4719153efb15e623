/** Application files: folders made on the way, files replaced, conflicts named, nothing outside its directory. */

import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import {
  findPublicFile,
  getFile,
  listFiles,
  normalDirectory,
  type PlacedFile,
  placeFile,
  publicPath,
} from '../../server/catalog/files.ts'
import { newId } from '../../server/ground/ids.ts'
import { makeApplication } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

/** An application, and a way to place a file of a path in it. */
async function openFiles(t: TestContext) {
  const db = await openTestDatabase(t)
  const { id: applicationId } = await makeApplication(db)
  const place = (directory: string, name: string, rest: Partial<PlacedFile> = {}) =>
    db.transaction((tx) =>
      placeFile(tx, {
        applicationId,
        notebookId: newId(),
        private: false,
        directory,
        name,
        blobKey: `files/${newId()}`,
        sizeBytes: 1,
        contentType: 'text/plain',
        ...rest,
      }),
    )
  const list = (directory: string, query: object = {}) =>
    listFiles(db, applicationId, { directory, sortField: 'name', ...query }, 'https://host')
  const names = async (directory: string) => (await list(directory)).items.map(({ name, type }) => `${type} ${name}`)
  return { db, applicationId, place, list, names }
}

test('a file is placed with the folders above it, which are there once', async (t) => {
  const { place, names, list } = await openFiles(t)
  await place('/reports/2026', 'a.csv')
  await place('reports//2026/', 'b.csv')
  await place('', 'root.txt')
  assert.deepEqual(await names('/'), ['directory reports', 'file root.txt'])
  assert.deepEqual(await names('/reports/'), ['directory 2026'])
  assert.deepEqual(await names('reports/2026'), ['file a.csv', 'file b.csv'])
  assert.equal((await list('/reports/2026')).parentExists, true)
  assert.equal((await list('/')).parentExists, true)
  assert.equal((await list('/none')).parentExists, false)
  assert.equal((await list('/reports/2026/a.csv')).parentExists, false)
})

test('a file placed again replaces the old one and tells which blob is garbage now', async (t) => {
  const { db, applicationId, place, list } = await openFiles(t)
  assert.deepEqual(await place('/d', 'a', { blobKey: 'files/one' }), { replaced: undefined })
  const [first] = (await list('/d')).items
  const again = { blobKey: 'files/two', sizeBytes: 2, contentType: 'text/csv' }
  assert.deepEqual(await place('/d', 'a', again), { replaced: 'files/one' })
  const { items, totalCount } = await list('/d')
  assert.deepEqual([totalCount, items[0]?.id, items[0]?.fileSize, items[0]?.contentType], [1, first?.id, 2, 'text/csv'])
  const found = await findPublicFile(db, applicationId, '/d/a')
  assert.deepEqual(found, { blobKey: 'files/two', contentType: 'text/csv', name: 'a' })
})

test('a file and a folder cannot share a path', async (t) => {
  const { place, names } = await openFiles(t)
  await place('/a', 'file')
  await assert.rejects(place('/a/file', 'below'), {
    kind: 'invalid',
    message: '"/a/file" is a file, so nothing can be put below it',
  })
  await assert.rejects(place('/a/file/deeper', 'below'), { kind: 'invalid' })
  await assert.rejects(place('/', 'a'), { kind: 'invalid', message: '"/a" is a directory' })
  assert.deepEqual(await names('/'), ['directory a'])
  assert.deepEqual(await names('/a'), ['file file'])
})

test('a name is one step of a path, and no step upwards', async (t) => {
  const { place, names } = await openFiles(t)
  for (const name of ['', '.', '..', 'a/b', '/a', 'a\u0000b', 'x'.repeat(1025)]) {
    await assert.rejects(place('/', name), { kind: 'invalid', message: /is not a file name/ }, JSON.stringify(name))
  }
  for (const directory of ['..', '/a/../b', './a', '/a/.', 'a\u0000b', 'x'.repeat(256), 'x/'.repeat(513)]) {
    await assert.rejects(place(directory, 'a'), { kind: 'invalid', message: /is not a directory/ }, directory)
  }
  assert.deepEqual(await names('/'), [])
  for (const name of ['...', '..a', ' ', 'ü 1%2f?#.csv', '<b>', "'; drop table files; --", 'x'.repeat(1024)]) {
    await place('/odd', name)
  }
  assert.equal((await names('/odd')).length, 7)
})

test('directories are written in many ways and mean one', () => {
  const table: [string, string][] = [
    ['', '/'],
    ['/', '/'],
    ['///', '/'],
    ['a', '/a'],
    ['/a/b/', '/a/b'],
    ['a//b', '/a/b'],
    ['/ a /..b', '/ a /..b'],
  ]
  for (const [text, expected] of table) assert.equal(normalDirectory(text), expected, text)
})

test('a public file opens by its path and by the URL it is listed with', async (t) => {
  const { db, applicationId, place, list } = await openFiles(t)
  await place('/a b/ü', '1%2f?#.csv', { blobKey: 'files/odd' })
  const [file] = (await list('/a b/ü')).items
  const path = '/a%20b/%C3%BC/1%252f%3F%23.csv'
  assert.equal(file?.url, `https://host/files/${applicationId}${path}`)
  assert.equal(publicPath(applicationId, '/a b/ü/1%2f?#.csv'), `/files/${applicationId}${path}`)
  const found = await findPublicFile(db, applicationId, decodeURIComponent(path))
  assert.equal(found?.blobKey, 'files/odd')
  for (const wrong of ['/a b', '/a b/ü/', '/', '', 'nothing', '/a b/ü/../ü/1%2f?#.csv']) {
    assert.equal(await findPublicFile(db, applicationId, wrong), undefined, wrong)
  }
})

test('private files and those of other applications are not to be seen', async (t) => {
  const { db, applicationId, place, names } = await openFiles(t)
  await place('/', 'secret', { private: true, blobKey: 'files/secret' })
  await place('/', 'public')
  assert.deepEqual(await names('/'), ['file public'])
  assert.equal(await findPublicFile(db, applicationId, '/secret'), undefined)
  const { id: other } = await makeApplication(db)
  assert.equal(await findPublicFile(db, other, '/public'), undefined)
  const row = await db.one<{ id: string }>(`select id from files where name = 'secret'`)
  await assert.rejects(getFile(db, applicationId, row?.id ?? '', ''), { kind: 'notFound' })
  const mine = await db.one<{ id: string }>(`select id from files where name = 'public'`)
  assert.equal((await getFile(db, applicationId, mine?.id ?? '', '')).name, 'public')
  await assert.rejects(getFile(db, other, mine?.id ?? '', ''), { kind: 'notFound' })
})

test('a list tells files from directories and filters both', async (t) => {
  const { place, list } = await openFiles(t)
  await place('/b', 'x')
  await place('/', 'a.csv')
  await place('/', 'B.csv')
  const namesOf = async (query: object) => (await list('/', query)).items.map(({ name }) => name)
  assert.deepEqual((await namesOf({ type: 'file' })).sort(), ['B.csv', 'a.csv'])
  assert.deepEqual(await namesOf({ type: 'directory' }), ['b'])
  assert.deepEqual(await namesOf({ filter: 'b*', type: 'file' }), ['B.csv'])
  assert.deepEqual(await namesOf({ status: 'pending' }), [])
})
