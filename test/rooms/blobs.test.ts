/** Blobs as files of a folder: whole or not at all, never outside of it, and gone when deleted. */

import assert from 'node:assert/strict'
import { appendFile, mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import test, { type TestContext } from 'node:test'
import type { ListedBlob } from '../../server/stores/blobs/blobs.ts'
import { openFsBlobs } from '../../server/stores/blobs/fs.ts'
import { makeFolder, makePass } from '../support/make.ts'

async function openBlobs(t: TestContext) {
  const root = join(await makeFolder(t), 'blobs')
  return { root, blobs: await openFsBlobs(root) }
}

/** Every file below the folder, half-written ones included. */
async function filesIn(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  return found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(folder.length))
}

test('what was put is read back, whole or a range of it', async (t) => {
  const { blobs } = await openBlobs(t)
  assert.deepEqual(await blobs.put('a/b/c.txt', Buffer.from('0123456789')), { sizeBytes: 10 })
  assert.deepEqual(await blobs.stat('a/b/c.txt'), { sizeBytes: 10 })
  assert.equal(String(await blobs.read('a/b/c.txt')), '0123456789')
  assert.equal(await text(blobs.get('a/b/c.txt')), '0123456789')
  for (const [start, end, expected] of [
    [0, 0, '0'],
    [3, 5, '345'],
    [9, 9, '9'],
    [8, 100, '89'],
  ] as const) {
    assert.equal(await text(blobs.get('a/b/c.txt', { start, end })), expected)
  }
  await blobs.put('empty', Buffer.alloc(0))
  assert.deepEqual(await blobs.stat('empty'), { sizeBytes: 0 })
})

test('a second put replaces the first', async (t) => {
  const { blobs } = await openBlobs(t)
  await blobs.put('a', Buffer.from('one'))
  await blobs.put('a', Readable.from(['t', 'wo']))
  assert.equal(String(await blobs.read('a')), 'two')
})

test('a blob is not there before its last byte has come', async (t) => {
  const { root, blobs } = await openBlobs(t)
  const stream = new PassThrough()
  const putting = blobs.put('a/b', stream)
  stream.write('half')
  while ((await filesIn(root)).length === 0);
  assert.equal(await blobs.stat('a/b'), undefined)
  stream.end('whole')
  await putting
  assert.equal(String(await blobs.read('a/b')), 'halfwhole')
  assert.deepEqual(await filesIn(root), ['/a/b'])
})

test('a stream that breaks leaves nothing, and what was there before', async (t) => {
  const { root, blobs } = await openBlobs(t)
  await blobs.put('a', Buffer.from('old'))
  const broken = Readable.from(
    (async function* () {
      yield 'new'
      throw new Error('the line went dead')
    })(),
  )
  await assert.rejects(blobs.put('a', broken), { message: 'the line went dead' })
  await assert.rejects(blobs.putFile('b', '/nowhere/at/all'), { code: 'ENOENT' })
  assert.equal(String(await blobs.read('a')), 'old')
  assert.deepEqual(await filesIn(root), ['/a'])
})

test('what a crash left half-written is dropped at a later start; blobs, and what others are writing, are not', async (t) => {
  const { root, blobs } = await openBlobs(t)
  await blobs.put('a', Buffer.from('kept'))
  const [left, written] = [join(root, '.incoming', 'left'), join(root, '.incoming', 'written')]
  for (const path of [left, written]) await writeFile(path, 'ha')
  const twoHoursAgo = Date.now() / 1000 - 7200
  await utimes(left, twoHoursAgo, twoHoursAgo)
  await openFsBlobs(root)
  assert.deepEqual(await filesIn(root), ['/a', '/.incoming/written'])
  await utimes(written, twoHoursAgo, twoHoursAgo)
  const [one, none] = [
    { count: 1, bytes: 2 },
    { count: 0, bytes: 0 },
  ]
  assert.deepEqual(await blobs.dropHalfWritten(makePass(0, true)), one)
  assert.deepEqual([await blobs.dropHalfWritten(makePass()), await blobs.dropHalfWritten(makePass())], [one, none])
  assert.deepEqual(await filesIn(root), ['/a'])
})

test('a copy lives on without the original', async (t) => {
  const { blobs } = await openBlobs(t)
  await blobs.put('a/original', Buffer.from('text'))
  await blobs.copy('a/original', 'b/copy')
  await blobs.put('a/original', Buffer.from('another text'))
  await blobs.delete('a/original')
  assert.equal(String(await blobs.read('b/copy')), 'text')
  await assert.rejects(blobs.copy('a/missing', 'b/other'), { code: 'ENOENT' })
})

test('deleting twice is fine, and deleting all means all below, not all that begin alike', async (t) => {
  const { root, blobs } = await openBlobs(t)
  for (const key of ['x/1/a', 'x/1/b/c', 'x/10/a', 'y']) await blobs.put(key, Buffer.from(key))
  await blobs.delete('y')
  await blobs.delete('y')
  await blobs.deleteAll('x/1')
  await blobs.deleteAll('x/1')
  assert.deepEqual(await filesIn(root), ['/x/10/a'])
})

test('a copy for somebody else is theirs: writing to it changes no blob, and half of one is not left', async (t) => {
  const { root, blobs } = await openBlobs(t)
  const [file, half] = [join(root, '..', 'out'), join(root, '..', 'half')]
  const content = Buffer.alloc(3_000_000, 'x')
  await blobs.put('a/b', content)
  const { signal } = new AbortController()
  assert.equal(await blobs.copyOut('a/b', file, signal), true)
  assert.deepEqual(await readFile(file), content)
  await appendFile(file, 'more')
  await writeFile(file, 'other')
  assert.deepEqual(await blobs.read('a/b'), content)
  assert.equal(await blobs.copyOut('a/none', half, signal), false)
  await assert.rejects(blobs.copyOut('a/b', half, AbortSignal.abort()), { name: 'AbortError' })
  await assert.rejects(blobs.copyOut('a/b', join(root, '..', 'no', 'folder'), signal), { code: 'ENOENT' })
  assert.deepEqual((await readdir(join(root, '..'))).sort(), ['blobs', 'out'])
})

test('a list has everything below a prefix with its time, and nothing that only begins alike or is half-written', async (t) => {
  const { root, blobs } = await openBlobs(t)
  for (const key of ['x/1/a', 'x/1/b/c', 'x/10/a', 'y']) await blobs.put(key, Buffer.from(key))
  const stream = new PassThrough()
  const putting = blobs.put('x/1/half', stream)
  stream.write('half')
  while (!(await filesIn(root)).some((file) => file.startsWith('/.incoming/')));
  const listed = async (prefix: string) => {
    const found: ListedBlob[] = []
    for await (const blob of blobs.list(prefix)) found.push(blob)
    return found.sort((a, b) => (a.key < b.key ? -1 : 1))
  }
  assert.deepEqual(
    (await listed('x/1')).map(({ key }) => key),
    ['x/1/a', 'x/1/b/c'],
  )
  assert.deepEqual((await listed('x')).length, 3)
  assert.deepEqual([await listed('none'), await listed('x/1/a')], [[], []])
  const old = new Date(0)
  await utimes(join(root, 'x/1/a'), old, old)
  const [first] = await listed('x/1')
  assert.ok(Date.now() - Number(first?.changedAt) < 60_000, 'a copy of old content is new')
  stream.end()
  await putting
})

test('a key that names no blob has no size and no bytes', async (t) => {
  const { blobs } = await openBlobs(t)
  await blobs.put('a/b', Buffer.from('text'))
  for (const key of ['missing', 'a/missing', 'a', 'a/b/c']) {
    assert.equal(await blobs.stat(key), undefined, key)
    await assert.rejects(blobs.read(key), key)
    await assert.rejects(text(blobs.get(key)), key)
  }
})

const badKeys = [
  '',
  '/',
  '..',
  '../secret',
  'a/../../secret',
  'a/..',
  './a',
  'a/./b',
  '/etc/passwd',
  'a//b',
  'a/',
  '.incoming/half',
  'a\\b',
  'a\u0000b',
  'a\nb',
  'é',
  'a'.repeat(256),
]
test('a key cannot leave the folder, by any method', async (t) => {
  const { root, blobs } = await openBlobs(t)
  await mkdir(join(root, '..', 'secret'))
  await blobs.put('good', Buffer.from('text'))
  for (const key of badKeys) {
    const uses: (() => unknown)[] = [
      () => blobs.put(key, Buffer.from('x')),
      () => blobs.putFile(key, join(root, 'good')),
      () => blobs.copy(key, 'b'),
      () => blobs.copy('good', key),
      () => blobs.stat(key),
      () => blobs.get(key),
      () => blobs.list(key),
      () => blobs.copyOut(key, join(root, 'good'), new AbortController().signal),
      () => blobs.read(key),
      () => blobs.delete(key),
      () => blobs.deleteAll(key),
    ]
    for (const use of uses) await assert.rejects(async () => use(), /is not a blob key/, JSON.stringify(key))
  }
  assert.deepEqual((await readdir(join(root, '..'))).sort(), ['blobs', 'secret'])
})

test('a borrowed file stays although the blob is deleted or replaced, and goes when it is given back', async (t) => {
  const { root, blobs } = await openBlobs(t)
  await blobs.put('a', Buffer.from('old'))
  {
    await using file = await blobs.borrow('a')
    await blobs.put('a', Buffer.from('new'))
    await blobs.delete('a')
    assert.equal(file && (await readFile(file.path, 'utf8')), 'old')
  }
  assert.deepEqual(await filesIn(root), [])
  assert.equal(await blobs.borrow('a'), undefined)
})
