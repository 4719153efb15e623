/** Files that notebooks place and everybody finds: directories made on the way, files replaced, conflicts named. */

import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { findFileByPath, getFile, listFiles } from '../../server/catalog/files/find.ts'
import { type PlacedFile, placeFile } from '../../server/catalog/files/place.ts'
import { newId } from '../../server/ground/ids.ts'
import type { Queryable } from '../../server/stores/postgres/database.ts'
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
  const tree = { applicationId, private: false }
  const list = (directory: string, query: object = {}) =>
    listFiles(db, tree, { directory, sortField: 'name', ...query })
  const names = async (directory: string) => (await list(directory)).items.map(({ name, type }) => `${type} ${name}`)
  return { db, applicationId, tree, place, list, names }
}

test('a file is placed with the directories above it, which are there once', async (t) => {
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

test('without a directory everything is listed, as the command line client of the original expects', async (t) => {
  const { db, tree, place } = await openFiles(t)
  await place('/a/b', 'one')
  await place('/', 'two')
  await place('/a', 'hidden', { private: true })
  const page = await listFiles(db, tree, { type: 'file', sortField: 'name' })
  assert.deepEqual([page.parentExists, page.items.map(({ name }) => name)], [true, ['one', 'two']])
  assert.equal((await listFiles(db, tree, { directory: '' })).totalCount, 4)
})

test('a file placed again replaces the old one and tells which blob is garbage now', async (t) => {
  const { db, applicationId, place, list } = await openFiles(t)
  assert.deepEqual(await place('/d', 'a', { blobKey: 'files/one' }), { replaced: undefined })
  const [first] = (await list('/d')).items
  const again = { blobKey: 'files/two', sizeBytes: 2, contentType: 'text/csv' }
  assert.deepEqual(await place('/d', 'a', again), { replaced: 'files/one' })
  const { items, totalCount } = await list('/d')
  const { id, size_bytes, content_type, status } = items[0] ?? {}
  assert.deepEqual([totalCount, id, size_bytes, content_type, status], [1, first?.id, 2, 'text/csv', 'completed'])
  const { updatedAt: _, ...found } = (await findFileByPath(db, applicationId, '/d/a', { private: false })) ?? {}
  const expected = { blobKey: 'files/two', contentType: 'text/csv', name: 'a', sizeBytes: 2, etag: undefined }
  assert.deepEqual(found, expected)
})

test('many who place into new directories at once, and one file at once, end with all of it once', async (t) => {
  const { place, names, list } = await openFiles(t)
  const blobs = Array.from({ length: 8 }, (_, n) => `files/same-${n}`)
  const placed = await Promise.all([
    ...blobs.map((blobKey) => place('/x/y/z', 'same', { blobKey })),
    ...Array.from({ length: 8 }, (_, n) => place('/x/y/z', `other ${n}`)),
  ])
  assert.deepEqual(await names('/x/y'), ['directory z'])
  assert.equal((await list('/x/y/z')).totalCount, 9)
  const kept = (await list('/x/y/z')).items.find(({ name }) => name === 'same')?.blob_key ?? ''
  const replaced = placed.flatMap((one) => one.replaced ?? [])
  assert.deepEqual([...replaced, kept].sort(), blobs, 'every blob is either the file’s or was told to be garbage')
})

test('a file and a directory cannot share a path', async (t) => {
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
  for (const name of ['', '.', '..', 'a/b', '/a', 'a\u0000b', 'a\ud800', 'x'.repeat(1025)]) {
    await assert.rejects(place('/', name), { kind: 'invalid', message: /is not a file name/ }, JSON.stringify(name))
  }
  for (const directory of ['..', '/a/../b', './a', '/a/.', 'a\u0000b', 'x'.repeat(1024), 'x/'.repeat(513)]) {
    await assert.rejects(place(directory, 'a'), { kind: 'invalid', message: /is not a directory/ }, directory)
  }
  assert.deepEqual(await names('/'), [])
  const odd = ['...', '..a', ' ', 'ü 1%2f?#.csv', '<b>', "'; drop table files; --", 'x'.repeat(1024), 'A', 'a']
  for (const name of odd) await place('/odd', name)
  assert.equal((await names('/odd')).length, odd.length)
})

test('the longest paths that are allowed, in characters of four bytes that repeat nowhere, are kept and found', async (t) => {
  const { db, applicationId, place } = await openFiles(t)
  const signs = (from: number, count: number) =>
    String.fromCodePoint(...Array.from({ length: count }, (_, n) => 0x20000 + ((from + n * 7919) % 40_000)))
  const [directory, name] = [`/${signs(1, 500)}/${signs(2, 522)}`, signs(3, 1024)]
  await place(directory, name, { blobKey: 'files/long' })
  const found = await findFileByPath(db, applicationId, `${directory}/${name}`, { private: false })
  assert.equal(found?.blobKey, 'files/long')
})

test('composed and decomposed letters are two names', async (t) => {
  const { db, applicationId, place } = await openFiles(t)
  await place('/', 'é', { blobKey: 'files/composed' })
  await place('/', 'e\u0301', { blobKey: 'files/decomposed' })
  const keyOf = async (path: string) => (await findFileByPath(db, applicationId, path, { private: false }))?.blobKey
  assert.deepEqual([await keyOf('/é'), await keyOf('e\u0301')], ['files/composed', 'files/decomposed'])
})

test('a file is found by its path, written in any way that means it, and a path upwards is refused', async (t) => {
  const { db, applicationId, place } = await openFiles(t)
  await place('/a b/ü', '1%2f?#.csv', { blobKey: 'files/odd' })
  const find = (path: string, isPrivate = false) => findFileByPath(db, applicationId, path, { private: isPrivate })
  for (const path of ['/a b/ü/1%2f?#.csv', 'a b/ü/1%2f?#.csv', '//a b///ü//1%2f?#.csv']) {
    assert.equal((await find(path))?.blobKey, 'files/odd', path)
  }
  for (const path of ['/a b', '/A b/ü/1%2f?#.csv', '/nothing']) assert.equal(await find(path), undefined, path)
  assert.equal(await find('/a b/ü/1%2f?#.csv', true), undefined)
  for (const path of ['', '/', '/a b/ü/', '/a b/ü/../ü/1%2f?#.csv', '..', '/x/.', 'a\u0000b']) {
    await assert.rejects(find(path), { kind: 'invalid' }, JSON.stringify(path))
  }
})

test('private files and those of other applications are not to be seen', async (t) => {
  const { db, applicationId, tree, place, names } = await openFiles(t)
  await place('/', 'secret', { private: true, blobKey: 'files/secret' })
  await place('/', 'public')
  assert.deepEqual(await names('/'), ['file public'])
  const { id: other } = await makeApplication(db)
  const find = (application: string, path: string, isPrivate: boolean) =>
    findFileByPath(db, application, path, { private: isPrivate })
  assert.equal(await find(applicationId, '/secret', false), undefined)
  assert.equal((await find(applicationId, '/secret', true))?.blobKey, 'files/secret')
  assert.equal(await find(other, '/public', false), undefined)
  assert.equal(await find(other, '/secret', true), undefined)
  const idOf = async (name: string) =>
    (await db.one<{ id: string }>('select id from files where name = $1', [name]))?.id
  const [secret, mine] = [(await idOf('secret')) ?? '', (await idOf('public')) ?? '']
  await assert.rejects(getFile(db, tree, secret), { kind: 'notFound', message: 'File was not found' })
  assert.equal((await getFile(db, { ...tree, private: true }, secret)).name, 'secret')
  await assert.rejects(getFile(db, { ...tree, private: true }, mine), { message: 'Private file was not found' })
  await assert.rejects(getFile(db, { applicationId: other, private: false }, mine), { kind: 'notFound' })
})

test('of an application that is deleted nothing can be found, though it is not removed yet', async (t) => {
  const { db, applicationId, tree, place } = await openFiles(t)
  await place('/', 'f')
  const id = (await db.one<{ id: string }>('select id from files'))?.id ?? ''
  await db.query('update applications set deleted_at = now() where id = $1', [applicationId])
  assert.equal(await findFileByPath(db, applicationId, '/f', { private: false }), undefined)
  await assert.rejects(getFile(db, tree, id), { kind: 'notFound' })
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
  const [up, down] = [await namesOf({ sortField: 'name' }), await namesOf({ sortField: 'name', sortDirection: 'desc' })]
  assert.deepEqual(up, down.toReversed())
})

test('pages of a large directory, and of everything, come from an index in the orders clients ask for', async (t) => {
  const { db, applicationId, tree, place } = await openFiles(t)
  await place('/large', 'first')
  await db.query(
    `insert into files (id, application_id, private, parent_directory, name, type, author_type, updated_at)
     select lpad(to_hex(n), 24, '0'), $1, false, case n % 5 when 0 then '/large' else '/larger' end,
       'file ' || n * 7919 % 25000, 'file', 'user', now() - n * interval '1 s'
     from generate_series(1, 25000) n`,
    [applicationId],
  )
  await db.query('analyze files')
  const indexes: [object, string][] = [
    [{ directory: '/large' }, 'files_directory_updates'],
    [{ directory: '/large', sortDirection: 'desc' }, 'files_directory_updates'],
    [{ directory: '/large', sortField: 'name', page: '9' }, 'files_directory_names'],
    [{ directory: '/large', sortField: 'name', sortDirection: 'desc' }, 'files_directory_names'],
    [{ page: '3' }, 'files_updates'],
  ]
  for (const [query, index] of indexes) {
    const plans: string[] = []
    const explaining: Queryable = {
      one: db.one,
      query: async <Row>(text: string, values?: readonly unknown[]) => {
        const plan = await db.query<Record<'QUERY PLAN', string>>(`explain ${text}`, values)
        plans.push(...plan.map((line) => line['QUERY PLAN']))
        return db.query<Row>(text, values)
      },
    }
    assert.equal((await listFiles(explaining, tree, query)).count, 100)
    assert.match(plans.join('\n'), new RegExp(`Index Scan (Backward )?using ${index} `), JSON.stringify(query))
    assert.doesNotMatch(plans.join('\n'), /\bSort\b/)
  }
})
