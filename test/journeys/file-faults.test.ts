/** Uploads that the service does not survive, or has no room for: what was there stays, and nothing half of a file is. */

import assert from 'node:assert/strict'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Client, signIn } from '../../client/client.ts'
import { createApplication } from '../../contract/applications.ts'
import { createFile, getFile, patchFile, uploadFile } from '../../contract/files.ts'
import { fieldsOf, MULTIPART, multipart, sendForm, type UploadForm } from '../support/forms.ts'
import { EMAIL, makeDataDir, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { until } from '../support/until.ts'

/** A file with the content "old", and the form for new content. */
async function makeFile(client: Client) {
  const { id: applicationId } = await client.call(createApplication, { body: { name: 'a' } })
  const { id: fileId } = await client.call(createFile, { params: { applicationId }, body: { name: 'f', type: 'file' } })
  const params = { applicationId, fileId }
  await client.call(uploadFile, { params, file: { name: 'f', bytes: new TextEncoder().encode('old') } })
  return { params, form: await formFor(client, params) }
}

async function formFor(client: Client, params: { applicationId: string; fileId: string }): Promise<UploadForm> {
  const { upload } = await client.call(patchFile, { params, body: {} })
  assert.ok(upload)
  return upload
}

/** Sends a form with a file of so many megabytes, as fast as it is taken. */
function sendLarge(form: UploadForm, megabytes: number): Promise<Response> {
  const [head = Buffer.alloc(0), tail = Buffer.alloc(0)] = splitForm(form)
  const piece = Buffer.alloc(1_000_000, 'n')
  async function* body() {
    yield head
    for (let n = 0; n < megabytes; n += 1) yield piece
    yield tail
  }
  const init = { method: 'POST', headers: MULTIPART, body: ReadableStream.from(body()), duplex: 'half' } as const
  return fetch(form.url, init)
}

const MARK = '<content>'

function splitForm(form: UploadForm): Buffer[] {
  const whole = multipart([...fieldsOf(form), { name: 'file', content: MARK, fileName: 'f' }])
  const at = whole.indexOf(MARK)
  return [whole.subarray(0, at), whole.subarray(at + MARK.length)]
}

/** What the blob store has, half-written files included; seen through the service's own mounts. */
async function blobsOf(service: RunningService, folder: 'files' | '.incoming'): Promise<string[]> {
  const root = `/proc/${service.pid}/root${service.dataDir}/blobs`
  const found = await readdir(join(root, folder), { recursive: true, withFileTypes: true }).catch(() => [])
  return found.filter((entry) => entry.isFile()).map(({ name }) => name)
}

test('a service that is killed in the middle of an upload has the old content, and takes the new one afterwards', async () => {
  await using data = await makeDataDir()
  const first = await startService({ dataDir: data.path })
  const client = await signIn(first.url, EMAIL, PASSWORD)
  const { params, form } = await makeFile(client)
  const sending = sendLarge(form, 1_000).catch((error: unknown) => error)
  await until(async () => (await blobsOf(first, '.incoming')).length > 0)
  await first.crash()
  assert.ok((await sending) instanceof Error)

  await using second = await startService({ dataDir: data.path })
  const again = await signIn(second.url, EMAIL, PASSWORD)
  const file = await again.call(getFile, { params })
  assert.deepEqual([file.status, await (await fetch(file.url ?? '')).text()], ['pending', 'old'])
  assert.equal((await blobsOf(second, 'files')).length, 1)
  // The form is still good: its secret and its end are what they were.
  const moved = { ...form, url: form.url.replace(first.url, second.url) }
  assert.equal((await sendForm(moved, 'new')).status, 204)
  assert.equal(await (await fetch(file.url ?? '')).text(), 'new')
  assert.equal((await blobsOf(second, 'files')).length, 1)
})

const canMount = process.getuid?.() === 0

test('a file that the disk has no room for is refused, and the old one stays', {
  skip: canMount ? false : 'only root can mount a small disk',
}, async () => {
  await using data = await makeDataDir()
  const disk = join(data.path, 'disk')
  await mkdir(disk)
  await using service = await startService({ dataDir: disk, smallDiskMb: 400 })
  const client = await signIn(service.url, EMAIL, PASSWORD)
  const { params, form } = await makeFile(client)
  const response = await sendLarge(form, 500)
  assert.deepEqual(
    [response.status, JSON.parse(await response.text())],
    [503, { type: 'Unavailable', message: 'There is no room for this file at the moment' }],
  )
  await until(async () => (await blobsOf(service, '.incoming')).length === 0)
  const file = await client.call(getFile, { params })
  assert.equal(await (await fetch(file.url ?? '')).text(), 'old')
  assert.equal((await sendForm(await formFor(client, params), 'new')).status, 204)
  assert.equal(await (await fetch(file.url ?? '')).text(), 'new')
})
