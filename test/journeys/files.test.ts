/** Application files through the official client: created, uploaded by form and directly, listed, moved, deleted, opened. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { after, before, test } from 'node:test'
import type { ApplicationFile, FileWithUpload } from '../../contract/files.ts'
import { fieldsOf, sendForm, sendParts } from '../support/forms.ts'
import { type Official, refusal, signInOfficially } from '../support/official.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { makeApplication } from '../support/steps.ts'

let service: RunningService
let losant: Official
let applicationId: string

before(async () => {
  service = await startService({ env: { FIELDBOOK_DIRECT_FILE_SIZE: '100KB', FIELDBOOK_FILE_SIZE: '3MB' } })
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  applicationId = (await makeApplication(losant)).id
})
after(() => service[Symbol.asyncDispose]())

interface List {
  readonly items: (ApplicationFile & { _type: string; _links: { self: { href: string } } })[]
  readonly totalCount: number
  readonly parentExists: boolean
}

const post = (file: object) => losant.call<FileWithUpload>('files.post', { applicationId, file })
const get = (fileId: string) => losant.call<ApplicationFile>('file.get', { applicationId, fileId })
const list = (query: object = {}) => losant.call<List>('files.get', { applicationId, ...query })
const md5 = (content: string | Uint8Array) => createHash('md5').update(content).digest('hex')

/** A file with content, made the quick way. */
async function makeFile(parentDirectory: string, name: string, content = name): Promise<ApplicationFile> {
  const { id } = await post({ name, parentDirectory, type: 'file' })
  return losant.call<ApplicationFile>('file.upload', { applicationId, fileId: id, file: content })
}

const read = async ({ url }: { url?: string }) => {
  const response = await fetch(url ?? '')
  return response.ok ? response.text() : response.status
}

/** The upload of a file that has one. */
function uploadOf(file: FileWithUpload) {
  assert.ok(file.upload, 'a form to upload the content')
  return file.upload
}

test('a file is created, uploaded by its form, and then there for everybody', async () => {
  const made = await post({
    name: 'rows.csv',
    parentDirectory: '/form/2026',
    type: 'file',
    contentType: 'text/csv',
    fileSize: 4,
  })
  assert.deepEqual(
    [made.status, made.parentDirectory, made.fileSize, made.authorType],
    ['pending', '/form/2026/', 4, 'user'],
  )
  assert.equal(await read(made), 404)
  const sent = await sendForm(uploadOf(made), 'a,b\n1,2\n')
  assert.deepEqual([sent.status, sent.headers.get('etag')], [204, `"${md5('a,b\n1,2\n')}"`])
  const file = await get(made.id)
  assert.deepEqual([file.status, file.fileSize, file.s3etag], ['completed', 8, md5('a,b\n1,2\n')])
  const opened = await fetch(file.url ?? '')
  assert.equal(opened.headers.get('content-type'), 'text/csv; charset=utf-8')
  assert.equal(await opened.text(), 'a,b\n1,2\n')
})

test('the form is taken as the command line client of the original sends it: bytes in a field without a file name', async () => {
  const made = await post({ name: 'cli.bin', type: 'file' })
  const bytes = Uint8Array.from({ length: 70_000 }, (_, n) => n % 251)
  const file = { name: 'file', content: bytes, contentType: 'application/octet-stream' }
  const sent = await sendParts(uploadOf(made).url, [...fieldsOf(uploadOf(made)).toReversed(), file])
  assert.equal(sent.headers.get('etag')?.replace(/"/g, ''), md5(bytes))
  assert.deepEqual(new Uint8Array(await (await fetch(made.url ?? '')).arrayBuffer()), bytes)
  assert.equal((await get(made.id)).s3etag, md5(bytes))
})

test('new content comes by a patch; until it is there the old one is served', async () => {
  const { id, url = '' } = await makeFile('/', 'again.txt', 'one')
  const patched = await losant.call<FileWithUpload>('file.patch', {
    applicationId,
    fileId: id,
    updates: { contentType: 'text/markdown', fileDimensions: { width: 2, height: 1, depth: 'ignored' } },
  })
  assert.deepEqual([patched.id, patched.status, patched.contentType], [id, 'pending', 'text/markdown'])
  assert.equal(await read({ url }), 'one')
  assert.equal((await sendForm(uploadOf(patched), 'two')).status, 204)
  assert.equal(await read({ url }), 'two')
  assert.deepEqual((await get(id)).fileDimensions, { width: 2, height: 1 })
  // As the command line client sends it: without anything.
  const empty = await losant.call<FileWithUpload>('file.patch', { applicationId, fileId: id })
  assert.equal((await sendForm(uploadOf(empty), '')).status, 204)
  const { fileSize, status, contentType } = await get(id)
  assert.deepEqual([fileSize, status, contentType, await read({ url })], [0, 'completed', 'text/markdown', ''])
})

test('the client uploads text, bytes and streams directly', async () => {
  const { id, url = '' } = await post({ name: 'direct', parentDirectory: 'a/b', type: 'file' })
  const contents: [unknown, string][] = [
    ['text in a field', 'text in a field'],
    [Buffer.from('bytes\n'), 'bytes\n'],
    [Object.assign(Readable.from([Buffer.from('str'), Buffer.from('eam')]), { path: '/tmp/x.txt' }), 'stream'],
  ]
  for (const [file, expected] of contents) {
    const uploaded = await losant.call<ApplicationFile>('file.upload', { applicationId, fileId: id, file })
    assert.deepEqual([uploaded.status, uploaded.s3etag, await read({ url })], ['completed', md5(expected), expected])
  }
  const large = await refusal(losant.call('file.upload', { applicationId, fileId: id, file: 'x'.repeat(100_001) }))
  assert.deepEqual([large.statusCode, large.type], [413, 'LimitExceeded'])
  assert.match(large.message, /larger than the 100000 bytes that are allowed \(FIELDBOOK_DIRECT_FILE_SIZE\)/)
  assert.equal(await read({ url }), 'stream')
})

test('directories are made, on the way or by themselves, listed by page and told from files', async () => {
  const { id: applicationId } = await makeApplication(losant, 'for lists')
  const call = <T>(operation: 'files.post' | 'files.get', params: object) =>
    losant.call<T>(operation, { applicationId, ...params })
  const directory = await call<FileWithUpload>('files.post', { file: { name: 'empty', type: 'directory' } })
  assert.deepEqual([directory.status, directory.upload, directory.url], ['completed', undefined, undefined])
  for (const name of ['b.csv', 'a.csv', 'c.txt']) {
    await call('files.post', { file: { name, parentDirectory: '/data/raw/', type: 'file' } })
  }
  const names = async (query: object) => (await call<List>('files.get', query)).items.map(({ name }) => name)
  assert.deepEqual(await names({ directory: '/', sortField: 'name' }), ['data', 'empty'])
  assert.deepEqual(await names({ directory: 'data/raw', sortField: 'name', sortDirection: 'desc' }), [
    'c.txt',
    'b.csv',
    'a.csv',
  ])
  assert.deepEqual(await names({ directory: '/data/raw', sortField: 'name', perPage: 2, page: 1 }), ['c.txt'])
  assert.deepEqual(await names({ directory: '/data/raw', filterField: 'name', filter: '?.csv' }), ['b.csv', 'a.csv'])
  assert.deepEqual(await names({ directory: '/data/raw', status: 'completed' }), [])
  assert.deepEqual(await names({ type: 'directory', sortField: 'name' }), ['data', 'empty', 'raw'])
  const all = await call<List>('files.get', { type: 'file', status: 'pending' })
  assert.deepEqual([all.totalCount, all.parentExists], [3, true])
  const [first] = all.items
  assert.deepEqual(
    [first?._type, first?._links.self.href],
    ['file', `/applications/${applicationId}/file/${first?.id}`],
  )
  assert.equal((await call<List>('files.get', { directory: '/data/none' })).parentExists, false)
})

test('files and directories are moved with everything in them, and keep their ids', async () => {
  const file = await makeFile('/move/from/deep', 'x.txt', 'moved')
  const directory = (await list({ directory: '/move' })).items[0]
  const move = (fileId: string | undefined, to: object) =>
    losant.call<ApplicationFile>('file.move', { applicationId, fileId, ...to })
  const moved = await move(directory?.id, { name: 'to', parentDirectory: '/elsewhere' })
  assert.deepEqual([moved.id, moved.name, moved.parentDirectory], [directory?.id, 'to', '/elsewhere/'])
  const inside = await get(file.id)
  assert.equal(inside.parentDirectory, '/elsewhere/to/deep/')
  assert.deepEqual([await read(inside), await read(file)], ['moved', 404])
  const renamed = await move(file.id, { name: 'y.txt' })
  assert.deepEqual([renamed.name, renamed.parentDirectory], ['y.txt', '/elsewhere/to/deep/'])
  await makeFile('/elsewhere', 'y.txt')
  for (const [to, message] of [
    [{ parentDirectory: '/elsewhere' }, /There is something at "\/elsewhere\/y\.txt" already/],
    [{ parentDirectory: '/elsewhere/y.txt/z' }, /"\/elsewhere\/y\.txt" is a file, so nothing can be put below it/],
    [{ parentDirectory: '/../etc' }, /parentDirectory .* is not a directory/],
    [{ name: 'a/b' }, /name "a\/b" is not a file name/],
  ] as const) {
    const refused = await refusal(move(file.id, to))
    assert.equal(refused.statusCode, 400)
    assert.match(refused.message, message)
  }
  const into = await refusal(move(moved.id, { parentDirectory: '/elsewhere/to/deep' }))
  assert.match(into.message, /"\/elsewhere\/to" can't be moved into itself/)
  assert.equal(await read(renamed), 'moved')
})

test('a directory is deleted with everything in it', async () => {
  const file = await makeFile('/gone/below', 'x.txt')
  const kept = await makeFile('/gone-not', 'x.txt')
  const [directory] = (await list({ directory: '/', filter: 'gone', filterField: 'name' })).items
  await losant.call('file.delete', { applicationId, fileId: directory?.id })
  for (const fileId of [file.id, directory?.id]) {
    const absent = await refusal(losant.call('file.get', { applicationId, fileId }))
    assert.deepEqual([absent.statusCode, absent.message], [404, 'File was not found'])
  }
  assert.deepEqual([await read(file), await read(kept)], [404, 'x.txt'])
  assert.equal((await list({ directory: '/gone' })).parentExists, false)
})

test('what cannot be is refused by name', async () => {
  await makeFile('/taken', 'here')
  const refused: [object, RegExp][] = [
    [{ type: 'file' }, /^file\.name is required$/],
    [{ name: 'a' }, /^file\.type is required$/],
    [{ name: 'a', type: 'link' }, /^file\.type must be one of file, directory$/],
    [{ name: '', type: 'file' }, /^file\.name /],
    [{ name: '..', type: 'file' }, /^file\.name "\.\." is not a file name/],
    [{ name: 'x'.repeat(1025), type: 'file' }, /^file\.name /],
    [{ name: 'a', parentDirectory: '/a/../b', type: 'file' }, /^file\.parentDirectory .* is not a directory/],
    [{ name: 'a', type: 'file', fileSize: -1 }, /^file\.fileSize /],
    [{ name: 'a', type: 'file', owner: 'me' }, /^file\.owner is not a known property/],
    [{ name: 'a', type: 'directory', contentType: 'text/csv' }, /^file\.contentType can only be given for type file$/],
    [{ name: 'here', parentDirectory: '/taken', type: 'file' }, /^file\.name "here" is taken/],
    [{ name: 'taken', type: 'directory' }, /^file\.name "taken" is taken/],
    [{ name: 'taken', type: 'file' }, /^file\.name "taken" is taken/],
  ]
  for (const [file, message] of refused) {
    const { statusCode, type, message: told } = await refusal(post(file))
    assert.deepEqual([statusCode, type], [400, 'Validation'], told)
    assert.match(told, message)
  }
  const large = await refusal(post({ name: 'a', type: 'file', fileSize: 3_000_001 }))
  assert.deepEqual([large.statusCode, large.type], [413, 'LimitExceeded'])
  assert.match(large.message, /^file\.fileSize 3000001 is larger than the 3000000 bytes that are allowed/)
  const [directory] = (await list({ directory: '/', filter: 'taken', filterField: 'name' })).items
  const patched = await refusal(losant.call('file.patch', { applicationId, fileId: directory?.id, updates: {} }))
  assert.match(patched.message, /A directory has no content/)
  const uploaded = await refusal(losant.call('file.upload', { applicationId, fileId: directory?.id, file: 'x' }))
  assert.equal(uploaded.statusCode, 404)
})

test('hostile and strange names are kept as they are, and their URLs open them', async () => {
  const names = [
    'CON',
    '-rf',
    'a\\..\\b',
    ' ',
    '%2e%2e',
    'a?b#c&d',
    "'; drop table files; --",
    '<script>',
    '🎉\u202Egnp.exe',
    'x.',
    'é',
    'e\u0301',
  ]
  for (const name of names) assert.equal(await read(await makeFile('/strange', name)), name)
  assert.equal((await list({ directory: '/strange' })).totalCount, names.length)
})

test('another application’s files are as good as none', async () => {
  const file = await makeFile('/', 'mine')
  const other = (await makeApplication(losant, 'another')).id
  for (const [operation, params] of [
    ['file.get', {}],
    ['file.patch', { updates: {} }],
    ['file.upload', { file: 'theirs' }],
    ['file.move', { name: 'stolen' }],
    ['file.delete', {}],
  ] as const) {
    const refused = await refusal(losant.call(operation, { applicationId: other, fileId: file.id, ...params }))
    assert.deepEqual([refused.statusCode, refused.message], [404, 'File was not found'], operation)
  }
  assert.equal(await read({ url: file.url?.replace(applicationId, other) ?? '' }), 404)
  assert.equal(await read(file), 'mine')
})
