/** Trees of files that change while others write to them: nothing is lost, doubled, or left without its directory. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { ofInstallation } from '../../server/catalog/application-limits.ts'
import { storeContent } from '../../server/catalog/files/content.ts'
import { createFile } from '../../server/catalog/files/create.ts'
import { findFileByPath, getFile, listFiles } from '../../server/catalog/files/find.ts'
import { lockFile, moveFile } from '../../server/catalog/files/move.ts'
import { pathIn } from '../../server/catalog/files/paths.ts'
import { placeFile } from '../../server/catalog/files/place.ts'
import { deleteFile } from '../../server/catalog/files/remove.ts'
import { reshape } from '../../server/catalog/files/reshape.ts'
import type { Author } from '../../server/catalog/files/rows.ts'
import { AppError } from '../../server/ground/errors.ts'
import { newId } from '../../server/ground/ids.ts'
import { openFsBlobs } from '../../server/stores/blobs/fs.ts'
import { makeApplication, makeFolder } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

const LIMIT = ofInstallation('directFileBytes', 5000)

async function openTree(t: TestContext) {
  const db = await openTestDatabase(t, { poolSize: 12 })
  const { id: applicationId, ownerId } = await makeApplication(db)
  const blobs = await openFsBlobs(join(await makeFolder(t), 'blobs'))
  const tree = { applicationId, private: false }
  const author: Author = { type: 'user', id: ownerId }
  const create = (parentDirectory: string, name: string, type: 'file' | 'directory' = 'file') =>
    createFile(db, tree, { name, parentDirectory, type }, author, 'file')
  const store = (id: string, text: string) => storeContent({ db, blobs }, tree, id, bytes(text), LIMIT)
  const make = async (path: string) => {
    const slash = path.lastIndexOf('/')
    return store((await create(path.slice(0, slash), path.slice(slash + 1))).id, path)
  }
  const place = (path: string) => {
    const slash = path.lastIndexOf('/')
    const [directory, name] = [path.slice(0, slash), path.slice(slash + 1)]
    const made = {
      notebookId: newId(),
      blobKey: `files/${applicationId}/${newId()}`,
      sizeBytes: 1,
      contentType: 'text/plain',
    }
    return db.transaction((tx) => placeFile(tx, { ...tree, directory, name, ...made }))
  }
  const move = (id: string, to: { name?: string; parentDirectory?: string }) => moveFile(db, tree, id, to, author)
  const remove = (id: string) => deleteFile({ db, blobs }, tree, id)
  const idOf = async (path: string) => {
    const row = await db.one<{ id: string }>('select id from files where path_hash = file_hash($1) and not private', [
      path,
    ])
    assert.ok(row, `something at ${path}`)
    return row.id
  }
  const paths = async () => {
    const { items } = await listFiles(db, tree, { perPage: '1000' })
    return items.map((row) => pathIn(row.parent_directory, row.name)).sort()
  }
  const keys = async () => {
    const found: string[] = []
    for await (const { key } of blobs.list('files')) found.push(key)
    return found.sort()
  }
  /** Every entry has the directories above it, and no path is there twice. */
  const checkWhole = async () => {
    const { items } = await listFiles(db, tree, { perPage: '1000' })
    const directories = new Set(['/'])
    for (const row of items) if (row.type === 'directory') directories.add(pathIn(row.parent_directory, row.name))
    const lost = items.filter((row) => !directories.has(row.parent_directory))
    assert.deepEqual(
      lost.map((row) => pathIn(row.parent_directory, row.name)),
      [],
      'entries without their directory',
    )
    const all = await paths()
    assert.equal(new Set(all).size, all.length)
  }
  return { db, blobs, tree, create, store, make, place, move, remove, idOf, paths, keys, checkWhole }
}

async function* bytes(text: string) {
  yield Buffer.from(text)
}

test('a tree moves as a whole: every path changes, no id, and what begins alike stays', async (t) => {
  const { db, tree, make, create, move, idOf, paths } = await openTree(t)
  for (const path of ['/a/b/c/1', '/a/b/2', '/a/3', '/ab/4']) await make(path)
  await create('/a/b', 'empty', 'directory')
  const id = await idOf('/a/b/c/1')
  await move(await idOf('/a/b'), { parentDirectory: '/x/y', name: 'ü%_\\' })
  const moved = ['/x/y/ü%_\\', '/x/y/ü%_\\/2', '/x/y/ü%_\\/c', '/x/y/ü%_\\/c/1', '/x/y/ü%_\\/empty']
  assert.deepEqual(await paths(), ['/a', '/a/3', '/ab', '/ab/4', '/x', '/x/y', ...moved].sort())
  assert.equal((await getFile(db, tree, id)).parent_directory, '/x/y/ü%_\\/c')
  const found = await findFileByPath(db, tree.applicationId, '/x/y/ü%_\\/c/1', { private: false })
  assert.ok(found)
  await move(await idOf('/x/y/ü%_\\'), { parentDirectory: '/', name: 'a2' })
  await move(await idOf('/a2'), { parentDirectory: '/a', name: 'b' })
  assert.ok((await paths()).includes('/a/b/c/1'))
})

test('a move to where it is changes nothing; to where something is, or into itself, nothing either', async (t) => {
  const { make, create, move, idOf, paths } = await openTree(t)
  for (const path of ['/a/b/1', '/c/b/2', '/f']) await make(path)
  await create('/', 'empty', 'directory')
  const before = await paths()
  await move(await idOf('/a/b'), {})
  await move(await idOf('/a/b'), { parentDirectory: 'a/', name: 'b' })
  const refused: [string, object, RegExp][] = [
    ['/a', { parentDirectory: '/a' }, /can't be moved into itself/],
    ['/a', { parentDirectory: '/a/b/c' }, /can't be moved into itself/],
    ['/a/b', { parentDirectory: '/c' }, /something at "\/c\/b" already/],
    ['/f', { name: 'empty' }, /something at "\/empty" already/],
    ['/empty', { name: 'f' }, /something at "\/f" already/],
    ['/a/b', { parentDirectory: '/f/below' }, /"\/f" is a file/],
    ['/a/b', { parentDirectory: `/${'x'.repeat(1023)}` }, /paths of more than 1024 characters/],
    ['/a', { name: 'x'.repeat(1023) }, /paths of more than 1024 characters/],
  ]
  for (const [path, to, message] of refused) {
    await assert.rejects(move(await idOf(path), to), { kind: 'invalid', message }, path)
    assert.deepEqual(await paths(), before, `${path} ${message}`)
  }
})

test('directories far below that would get too long a path keep the whole tree where it is', async (t) => {
  const { make, move, idOf, paths } = await openTree(t)
  await make(`/a/${'b'.repeat(500)}/${'c'.repeat(500)}/1`)
  const before = await paths()
  await assert.rejects(move(await idOf('/a'), { name: 'a'.repeat(30) }), /paths of more than 1024 characters/)
  assert.deepEqual(await paths(), before)
  await move(await idOf('/a'), { name: 'a'.repeat(20) })
})

test('a directory goes with all that is below, blobs included, and nothing else', async (t) => {
  const { blobs, make, create, remove, idOf, paths, keys } = await openTree(t)
  for (const path of ['/a/b/c/1', '/a/2', '/ab/3']) await make(path)
  await create('/a', 'waits')
  const kept = (await keys()).length
  assert.equal(kept, 3)
  await remove(await idOf('/a'))
  assert.deepEqual(await paths(), ['/ab', '/ab/3'])
  const [left, ...more] = await keys()
  assert.deepEqual([String(await blobs.read(left ?? '')), more], ['/ab/3', []])
  await assert.rejects(remove(newId()), { kind: 'notFound' })
})

test('a tree with a thousand levels’ worth of path moves and goes', async (t) => {
  const { make, move, remove, idOf, paths } = await openTree(t)
  const deep = '/x'.repeat(500)
  await make(`${deep}/file`)
  await move(await idOf('/x'), { name: 'y' })
  assert.ok((await paths()).includes(`/y${deep.slice(2)}/file`))
  await remove(await idOf('/y'))
  assert.deepEqual(await paths(), [])
})

test('of many uploads to one file at once one stays, and of the others no byte', async (t) => {
  const { db, blobs, tree, create, store, keys } = await openTree(t)
  const { id } = await create('/', 'f')
  await Promise.all(Array.from({ length: 12 }, (_, n) => store(id, `content ${n}`)))
  const row = await getFile(db, tree, id)
  assert.deepEqual(await keys(), [row.blob_key])
  assert.match(String(await blobs.read(row.blob_key ?? '')), /^content \d+$/)
  assert.equal(row.size_bytes, (await blobs.read(row.blob_key ?? '')).length)
})

test('of many who create one path at once all are given the same file; of a directory one makes it', async (t) => {
  const { create, paths } = await openTree(t)
  const made = await Promise.all(Array.from({ length: 8 }, () => create('/new/place', 'f')))
  assert.equal(new Set(made.map(({ id }) => id)).size, 1)
  const directories = await Promise.allSettled(Array.from({ length: 8 }, () => create('/new', 'd', 'directory')))
  assert.equal(directories.filter(({ status }) => status === 'fulfilled').length, 1)
  assert.deepEqual(await paths(), ['/new', '/new/d', '/new/place', '/new/place/f'])
})

test('content that breaks off or is too large leaves the file as it was, and no blob', async (t) => {
  const { db, blobs, tree, create, store, keys } = await openTree(t)
  const { id } = await create('/', 'f')
  await store(id, 'old')
  const before = await getFile(db, tree, id)
  const broken = async function* () {
    yield Buffer.from('new')
    throw new Error('the line went dead')
  }
  const put = (content: AsyncIterable<Uint8Array>) => storeContent({ db, blobs }, tree, id, content, LIMIT)
  await assert.rejects(put(broken()), { message: 'the line went dead' })
  await assert.rejects(put(bytes('x'.repeat(5001))), {
    kind: 'tooLarge',
    message: /larger than the 5000 bytes .*FIELDBOOK_DIRECT_FILE_SIZE/,
    limit: { name: 'directFileBytes', of: 'installation', allowed: 5000 },
  })
  assert.deepEqual(await getFile(db, tree, id), before)
  assert.deepEqual(await keys(), [before.blob_key])
  await put(bytes('x'.repeat(5000)))
})

test('an upload to a file that is deleted meanwhile leaves no blob; one to a foreign file neither', async (t) => {
  const { db, blobs, tree, create, remove, store, keys } = await openTree(t)
  const { id } = await create('/', 'f')
  const meanwhile = async function* () {
    yield Buffer.from('a')
    await remove(id)
    yield Buffer.from('b')
  }
  await assert.rejects(storeContent({ db, blobs }, tree, id, meanwhile(), LIMIT), { kind: 'notFound' })
  const other = await create('/', 'g')
  const foreign = { ...tree, applicationId: (await makeApplication(db)).id }
  await assert.rejects(storeContent({ db, blobs }, foreign, other.id, bytes('x'), LIMIT), { kind: 'notFound' })
  await assert.rejects(store((await create('/', 'd', 'directory')).id, 'x'), { kind: 'notFound' })
  assert.deepEqual(await keys(), [])
})

test('a move waits for whoever is placing a file below, and takes that file along', async (t) => {
  const { db, tree, make, move, idOf, paths } = await openTree(t)
  await make('/a/b/1')
  const id = await idOf('/a')
  let moving: Promise<unknown> | undefined
  await db.transaction(async (tx) => {
    const made = { notebookId: newId(), blobKey: 'files/late', sizeBytes: 1, contentType: 'text/plain' }
    await placeFile(tx, { ...tree, directory: '/a/b', name: 'late', ...made })
    moving = move(id, { name: 'z' })
    const seen = await Promise.race([moving.then(() => 'moved'), waiting(db)])
    assert.equal(seen, 'waits')
  })
  await moving
  assert.deepEqual(await paths(), ['/z', '/z/b', '/z/b/1', '/z/b/late'])
})

/** Resolves when a session waits for a lock. */
async function waiting(db: { one: (text: string) => Promise<unknown> }): Promise<string> {
  while (
    !(await db.one(
      `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database() limit 1`,
    ))
  );
  return 'waits'
}

test('movers in a circle, placers and deleters at once leave a whole tree', async (t) => {
  const { make, place, move, remove, idOf, checkWhole, paths } = await openTree(t)
  for (const path of ['/a/1', '/b/2', '/c/3']) await make(path)
  const [a, b, c] = [await idOf('/a'), await idOf('/b'), await idOf('/c')]
  const refusedOnly = async (work: Promise<unknown>) => {
    await work.catch((error: unknown) => {
      if (!(error instanceof AppError) || !['invalid', 'notFound'].includes(error.kind)) throw error
    })
  }
  for (let round = 0; round < 6; round += 1) {
    await Promise.all([
      refusedOnly(move(a, { parentDirectory: '/b' })),
      refusedOnly(move(b, { parentDirectory: '/a' })),
      refusedOnly(move(c, { parentDirectory: '/a/deep', name: `c${round}` })),
      refusedOnly(move(a, { parentDirectory: '/' })),
      ...['/a', '/b', '/a/b', '/b/a', '/c'].map((directory) => refusedOnly(place(`${directory}/new-${round}/f`))),
      ...(round === 4 ? [refusedOnly(remove(b))] : []),
    ])
    await checkWhole()
  }
  assert.ok((await paths()).length > 6)
})

test('who holds a directory for too long is not disturbed, and the mover is told', async (t) => {
  const { db, tree, make, idOf, move, paths } = await openTree(t)
  await make('/a/1')
  const id = await idOf('/a')
  await db.transaction(async (tx) => {
    await tx.query('select 1 from files where id = $1 for share', [id])
    const moving = reshape(db, tree, (mover) => lockFile(mover, tree, id), 500)
    await assert.rejects(moving, { kind: 'unavailable', message: /^Others are writing to this directory/ })
    await tx.query('select 1')
  })
  await move(id, { name: 'z' })
  assert.deepEqual(await paths(), ['/z', '/z/1'])
})
