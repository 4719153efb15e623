/**
 * Private files: as application files, but opened by links that end. The official client has no such operations, so this
 * is our own client and plain requests.
 */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { ApiFailure, type Client, signIn } from '../../client/client.ts'
import { createApplication } from '../../contract/applications.ts'
import {
  type ApplicationFile,
  createFile,
  type FilePost,
  type FileWithUpload,
  listFiles,
} from '../../contract/files.ts'
import {
  createPrivateFile,
  deletePrivateFile,
  getPrivateFile,
  listPrivateFiles,
  movePrivateFile,
  patchPrivateFile,
  uploadPrivateFile,
} from '../../contract/private-files.ts'
import { fieldsOf, sendForm, sendParts } from '../support/forms.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'

let service: RunningService
let client: Client
let applicationId: string

before(async () => {
  service = await startService({ env: { FIELDBOOK_FILE_SIZE: '1MB' } })
  client = await signIn(service.url, EMAIL, PASSWORD)
  applicationId = (await client.call(createApplication, { body: { name: 'secrets' } })).id
})
after(() => service[Symbol.asyncDispose]())

const create = (body: FilePost) => client.call(createPrivateFile, { params: { applicationId }, body })
const of = (privateFileId: string) => ({ params: { applicationId, privateFileId } })
const get = (id: string, urlTTL?: string) =>
  client.call(getPrivateFile, { ...of(id), query: urlTTL === undefined ? {} : { urlTTL } })
const upload = (id: string, text: string) =>
  client.call(uploadPrivateFile, { ...of(id), file: { name: 'x', bytes: new TextEncoder().encode(text) } })

/** A private file with content. */
async function make(parentDirectory: string, name: string, text = name): Promise<ApplicationFile> {
  return upload((await create({ name, parentDirectory, type: 'file' })).id, text)
}

const read = async (url: string | undefined) => {
  const response = await fetch(url ?? '')
  return response.ok ? response.text() : response.status
}

/** The refusal of a call as `status message`. */
async function refused(call: Promise<unknown>): Promise<string> {
  const failure = await call.then(
    () => undefined,
    (error: unknown) => error,
  )
  assert.ok(failure instanceof ApiFailure, 'the call went through')
  return `${failure.status} ${failure.message}`
}

const formOf = ({ upload: form }: FileWithUpload) => {
  assert.ok(form)
  return form
}

test('a private file opens by its link only, for as long as was asked for', async () => {
  const { id } = await create({ name: 'k.txt', parentDirectory: '/keys', type: 'file', contentType: 'text/x-key' })
  assert.equal((await get(id)).url, undefined, 'without content there is nothing to open')
  await upload(id, 'secret')
  const file = await get(id)
  assert.equal(await read(file.url), 'secret')
  const ends = Number(new URL(file.url ?? '').searchParams.get('expires'))
  assert.ok(Math.abs(ends - Date.now() - 900_000) < 60_000, 'fifteen minutes')
  assert.equal((await fetch(file.url ?? '')).headers.get('content-type'), 'text/x-key; charset=utf-8')
  assert.equal((await get(id, '0')).url, undefined)
  assert.equal(await read(`${service.url}/files/${applicationId}/keys/k.txt`), 404)
  const soon = (await get(id, '1')).url ?? ''
  const deadline = Date.now() + 10_000
  while ((await read(soon)) !== 403 && Date.now() < deadline) await pause(50)
  assert.equal(await read(soon), 403)
  assert.equal(await read(file.url), 'secret')
})

test('a link is for one file: nothing in it can be swapped', async () => {
  const [one, two] = [await make('/', 'one'), await make('/', 'two')]
  const url = new URL(one.url ?? '')
  const at = (change: (url: URL) => void) => {
    const copy = new URL(url)
    change(copy)
    return read(copy.href)
  }
  const swapped = await at((to) => {
    to.pathname = to.pathname.replace(one.id, two.id)
  })
  assert.equal(swapped, 403)
  for (const name of ['expires', 'signature']) {
    assert.equal(await at((to) => to.searchParams.set(name, '1')), 403)
    assert.equal(await at((to) => to.searchParams.append(name, '1')), 403)
    assert.equal(await at((to) => to.searchParams.delete(name)), 403)
  }
  const other = (await client.call(createApplication, { body: { name: 'other' } })).id
  assert.equal(
    await at((to) => {
      to.pathname = to.pathname.replace(applicationId, other)
    }),
    403,
  )
})

test('a link goes on with its file: moved, with new content, and not once that is deleted', async () => {
  const file = await make('/links', 'x', 'one')
  await client.call(movePrivateFile, { ...of(file.id), query: { name: 'y', parentDirectory: '/elsewhere' } })
  assert.equal(await read(file.url), 'one')
  await upload(file.id, 'two')
  assert.equal(await read(file.url), 'two')
  await client.call(deletePrivateFile, of(file.id))
  assert.equal(await read(file.url), 404)
})

test('listed links work, are left out when asked to, and lists know nothing of public files', async () => {
  await make('/list', 'a')
  await client.call(createFile, {
    params: { applicationId },
    body: { name: 'public', parentDirectory: '/list', type: 'file' },
  })
  const list = (query: object) =>
    client.call(listPrivateFiles, { params: { applicationId }, query: { directory: '/list', ...query } })
  const page = await list({})
  assert.deepEqual([page.items.map(({ name }) => name), page.parentExists], [['a'], true])
  assert.equal(await read(page.items[0]?.url), 'a')
  assert.equal((await list({ urlTTL: '0' })).items[0]?.url, undefined)
  const own = await client.call(listFiles, { params: { applicationId }, query: { directory: '/list' } })
  assert.deepEqual(
    own.items.map(({ name }) => name),
    ['public'],
  )
  const raw = await fetch(`${service.url}/applications/${applicationId}/privateFiles?directory=/list`, {
    headers: { authorization: `Bearer ${client.token}` },
  })
  const { _type, items } = JSON.parse(await raw.text())
  const [{ id, _type: itemType, _links }] = items
  const href = `/applications/${applicationId}/privateFiles/${id}`
  assert.deepEqual([_type, itemType, _links], ['privateFiles', 'privateFile', { self: { href } }])
})

test('the form of a private file fills that, and none of another', async () => {
  const made = await create({ name: 'by-form', type: 'file' })
  const other = await create({ name: 'other', type: 'file' })
  const swapped = { ...formOf(made), fields: { ...formOf(made).fields, key: formOf(other).fields['key'] ?? '' } }
  assert.equal((await sendForm(swapped, 'x')).status, 403)
  assert.equal((await sendForm(formOf(made), 'by form')).status, 204)
  assert.equal(await read((await get(made.id)).url), 'by form')
  assert.equal((await get(other.id)).status, 'pending')
  assert.equal((await sendForm(formOf(made), 'x'.repeat(1_000_001))).status, 413)
  assert.equal(await read((await get(made.id)).url), 'by form')
  const patched = await client.call(patchPrivateFile, { ...of(made.id), body: {} })
  assert.equal((await sendForm(formOf(patched), 'again')).status, 204)
})

test('a form in the wrong order, or for a deleted file, is refused', async () => {
  const made = await create({ name: 'refused', type: 'file' })
  const form = formOf(made)
  const file = { name: 'file', content: 'x', fileName: 'x' }
  const early = await sendParts(form.url, [file, ...fieldsOf(form)])
  assert.deepEqual(
    [early.status, JSON.parse(await early.text()).message],
    [400, 'The form has no field Policy before the file; all fields must come first'],
  )
  const last = formOf(await client.call(patchPrivateFile, { ...of(made.id), body: {} }))
  await client.call(deletePrivateFile, of(made.id))
  assert.equal((await sendForm(last, 'x')).status, 404)
})

test('public and private files of one id are two things, and neither opens from another application', async () => {
  const file = await make('/', 'mine')
  const other = (await client.call(createApplication, { body: { name: 'foreign' } })).id
  const params = { applicationId: other, privateFileId: file.id }
  const calls = [
    () => client.call(getPrivateFile, { params }),
    () => client.call(patchPrivateFile, { params, body: {} }),
    () => client.call(movePrivateFile, { params, query: { name: 'stolen' } }),
    () => client.call(uploadPrivateFile, { params, file: { name: 'x', bytes: new Uint8Array(1) } }),
    () => client.call(deletePrivateFile, { params }),
  ]
  for (const call of calls) assert.equal(await refused(call()), '404 Private file was not found')
  const asPublic = await fetch(`${service.url}/applications/${applicationId}/file/${file.id}`, {
    headers: { authorization: `Bearer ${client.token}` },
  })
  assert.equal(asPublic.status, 404)
  assert.equal(
    await refused(create({ name: 'mine', type: 'file' })),
    '400 privateFile.name "mine" is taken: there is something at "/mine" already',
  )
})

test('bytes are answered with what browsers need: ranges, versions, heads', async () => {
  const text = '<script>0123456789</script>'
  const { url = '' } = await make('/', 'page.html', text)
  const etag = `"${createHash('md5').update(text).digest('hex')}"`
  const whole = await fetch(url)
  const told = (name: string) => whole.headers.get(name)
  assert.deepEqual([told('etag'), told('content-length'), told('x-content-type-options')], [etag, '27', 'nosniff'])
  assert.match(told('content-security-policy') ?? '', /^sandbox; default-src 'none'/)
  const ask = async (headers: Record<string, string>, method = 'GET') => {
    const response = await fetch(url, { method, headers })
    return [response.status, await response.text(), response.headers.get('content-range')]
  }
  assert.deepEqual(await ask({ range: 'bytes=8-9' }), [206, '01', 'bytes 8-9/27'])
  assert.deepEqual(await ask({ range: 'bytes=8-9', 'if-range': '"other"' }), [200, text, null])
  assert.deepEqual(await ask({ 'if-none-match': etag }), [304, '', null])
  assert.deepEqual(await ask({ 'if-modified-since': told('last-modified') ?? '' }), [304, '', null])
  assert.deepEqual(await ask({}, 'HEAD'), [200, '', null])
  const head = await fetch(url, { method: 'HEAD' })
  assert.deepEqual([head.headers.get('content-length'), head.headers.get('etag')], ['27', etag])
})
