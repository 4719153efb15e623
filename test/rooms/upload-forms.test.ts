/** Where forms are sent, asked by clients that break off, send too much, in the wrong order, or something else altogether. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import test, { type TestContext } from 'node:test'
import fc from 'fast-check'
import { createFile } from '../../server/catalog/files/create.ts'
import { getFile } from '../../server/catalog/files/find.ts'
import { uploadFields } from '../../server/http/upload-form.ts'
import { openDoor, SECRET } from '../support/door.ts'
import { type FormPart, fieldsOf, MULTIPART, multipart } from '../support/forms.ts'

const MAX_BYTES = 300_000

/** A listening door, a file that waits for its content, and the form for it. */
async function openForms(t: TestContext) {
  const { app, db, blobs, application } = await openDoor(t, { FIELDBOOK_FILE_SIZE: String(MAX_BYTES) })
  const tree = { applicationId: application.id, private: false }
  const author = { type: 'user', id: application.ownerId } as const
  const file = await createFile(db, tree, { name: 'f', type: 'file' }, author, 'file')
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const grant = { tree, fileId: file.id, maxBytes: MAX_BYTES, expiresAt: new Date(Date.now() + 600_000) }
  const fields = fieldsOf({ url, fields: uploadFields(SECRET, grant) })
  const part = (content: string | Uint8Array): FormPart => ({ name: 'file', content, fileName: 'f' })
  const send = async (body: Uint8Array<ArrayBuffer>, headers: Record<string, string> = MULTIPART) => {
    const response = await fetch(`${url}/uploads`, {
      method: 'POST',
      headers,
      body,
      signal: AbortSignal.timeout(20_000),
    })
    return { status: response.status, text: await response.text() }
  }
  const sendParts = (parts: readonly FormPart[]) => send(multipart(parts))
  const row = () => getFile(db, tree, file.id)
  const keys = async () => {
    const found: string[] = []
    for await (const { key } of blobs.list('files')) found.push(key)
    return found
  }
  /** The content that is kept, after a check that there is no other. */
  const kept = async () => {
    const { blob_key } = await row()
    assert.deepEqual(await keys(), blob_key ? [blob_key] : [])
    return blob_key ? String(await blobs.read(blob_key)) : undefined
  }
  return { app, db, url, grant, fields, part, send, sendParts, row, kept }
}

test('a form that is cut off anywhere leaves the file as it was', async (t) => {
  const { url, fields, part, sendParts, kept } = await openForms(t)
  assert.equal((await sendParts([...fields, part('before')])).status, 204)
  // After the file comes another field: cut off in there the file is complete, and the form is not.
  const body = multipart([...fields, part(Buffer.alloc(100_000, 'x')), { name: 'submit', content: 'x'.repeat(500) }])
  const { port } = new URL(url)
  const cutAt = async (length: number, isEnded: boolean) => {
    const socket = connect(Number(port), '127.0.0.1')
    const said: Buffer[] = []
    socket.on('data', (chunk) => said.push(chunk))
    socket.on('error', () => {})
    // Announced shorter, the body ends where it is cut; announced in full, the connection ends before it.
    const announced = isEnded ? length : body.length
    const head = `POST /uploads HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: ${MULTIPART['content-type']}\r\ncontent-length: ${announced}\r\n\r\n`
    socket.write(head)
    socket.write(body.subarray(0, length))
    if (!isEnded) socket.end()
    await once(socket, 'close')
    return /^HTTP\/1\.1 (\d+)/.exec(Buffer.concat(said).toString())?.[1]
  }
  const lengths = [
    0,
    1,
    60,
    300,
    900,
    1500,
    50_000,
    body.length - 300,
    body.length - 62,
    body.length - 61,
    body.length - 60,
    body.length - 5,
    body.length - 4,
  ]
  for (const length of lengths) {
    assert.equal(await cutAt(length, true), '400', `ended after ${length} of ${body.length}`)
    const said = await cutAt(length, false)
    assert.ok(said === undefined || said === '400', `cut after ${length}: ${said}`)
    assert.equal(await kept(), 'before', `${length}`)
  }
})

test('any parts in any order keep the whole file or nothing, and never a server’s fault', async (t) => {
  const { fields, part, sendParts, kept } = await openForms(t)
  const stray = fc.record({
    name: fc.constantFrom('', 'acl', 'file2', 'constructor', '__proto__', 'KEY', 'success_action_status', 'ü', 'a"b'),
    content: fc.oneof(fc.string({ unit: 'binary', maxLength: 50 }), fc.uint8Array({ maxLength: 5000 })),
    fileName: fc.option(fc.constantFrom('', 'x', '../../etc/passwd'), { nil: undefined }),
    contentType: fc.option(fc.constantFrom('text/plain', 'application/json', 'image/png; charset=x', ';;', ''), {
      nil: undefined,
    }),
  })
  let last: string | undefined
  await fc.assert(
    fc.asyncProperty(
      fc.array(stray, { maxLength: 6 }),
      fc.array(stray, { maxLength: 3 }),
      fc.uint8Array({ maxLength: 70_000 }),
      fc.shuffledSubarray(fields, { minLength: fields.length - 1 }),
      async (before, after, content, some) => {
        // A field of the form may not be told twice: the last one counts, and that of a stray one is wrong.
        const parts = [...before.filter(({ name }) => name !== 'KEY'), ...some, part(content), ...after]
        const { status, text } = await sendParts(clean(parts))
        assert.ok([204, 400].includes(status), `${status} ${text}`)
        if (status === 204) last = Buffer.from(content).toString()
        else assert.equal(JSON.parse(text).type, 'Validation')
        assert.equal(await kept(), last)
      },
    ),
    { numRuns: 60, endOnFailure: true },
  )
  assert.ok(last !== undefined, 'some went through')
})

/** An absent property is not the same as an undefined one. */
const clean = (parts: readonly { [K in keyof FormPart]?: FormPart[K] | undefined }[]): FormPart[] =>
  parts.map(({ name = '', content = '', fileName, contentType }) => ({
    name,
    content,
    ...(fileName === undefined ? {} : { fileName }),
    ...(contentType === undefined ? {} : { contentType }),
  }))

test('bytes that only look like a form never harm the service', async (t) => {
  const { fields, part, send, sendParts, kept } = await openForms(t)
  const good = multipart([...fields, part('good')])
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      async (changes) => {
        const body = Buffer.from(good)
        for (const [at, byte] of changes) body[at] = byte
        const { status, text } = await send(body)
        assert.ok([204, 400, 403].includes(status), `${status} ${text}`)
        await kept()
      },
    ),
    { numRuns: 80, endOnFailure: true },
  )
  const odd: [Uint8Array<ArrayBuffer>, Record<string, string>][] = [
    [Buffer.alloc(0), MULTIPART],
    [good, { 'content-type': 'multipart/form-data' }],
    [good, { 'content-type': 'multipart/form-data; boundary=' }],
    [good, { 'content-type': `multipart/form-data; boundary=${'x'.repeat(500)}` }],
    [Buffer.from('{}'), { 'content-type': 'application/json' }],
    [Buffer.from('--x\r\n'.repeat(10_000)), { 'content-type': 'multipart/form-data; boundary=x' }],
    [Buffer.from(`--x\r\n${'a: b\r\n'.repeat(20_000)}\r\n`), { 'content-type': 'multipart/form-data; boundary=x' }],
  ]
  for (const [body, headers] of odd) assert.equal((await send(body, headers)).status, 400, headers['content-type'])
  assert.equal((await sendParts([...fields, part('after all that')])).status, 204)
  assert.equal(await kept(), 'after all that')
})

test('too many parts, fields that are too long and files that are too large are refused, and say so', async (t) => {
  const { fields, part, sendParts, kept } = await openForms(t)
  const many = Array.from({ length: 60 }, (_, n) => ({ name: `n${n}`, content: '' }))
  const table: [readonly FormPart[], RegExp, number?][] = [
    [[...many, ...fields, part('x')], /limit|not in the multipart body/],
    [[...fields, part('x'), ...many], /limit/],
    [[...fields, { name: 'acl', content: 'x'.repeat(70_000) }, part('x')], /The field acl has more than 65536 bytes/],
    [
      [...fields, part(Buffer.alloc(MAX_BYTES + 1))],
      /larger than the 300000 bytes that are allowed \(FIELDBOOK_FILE_SIZE\)/,
      413,
    ],
    [[...fields, { name: 'other', content: 'x', fileName: 'x' }], /file is not in the multipart body/],
    [[part('x')], /no field Policy before the file/],
    [[], /./],
  ]
  for (const [parts, message, expected = 400] of table) {
    const { status, text } = await sendParts(parts)
    assert.equal(status, expected, text)
    assert.match(text, message)
    assert.equal(await kept(), undefined)
  }
  assert.equal((await sendParts([...fields, part(Buffer.alloc(MAX_BYTES, 'm'))])).status, 204)
  assert.equal((await kept())?.length, MAX_BYTES)
})

test('of a form that has ended, nothing is kept', async (t) => {
  const { url, grant, part, sendParts, kept } = await openForms(t)
  const ended = fieldsOf({ url, fields: uploadFields(SECRET, { ...grant, expiresAt: new Date(Date.now() - 1) }) })
  const { status, text } = await sendParts([...ended, part(Buffer.alloc(MAX_BYTES))])
  assert.deepEqual([status, JSON.parse(text).message], [403, 'This form has expired; ask the API for a new one'])
  assert.equal(await kept(), undefined)
})

test('many at once, some of them cut off, end with the content of one', async (t) => {
  const { url, fields, part, sendParts, kept } = await openForms(t)
  const contents = Array.from({ length: 10 }, (_, n) => String(n).repeat(50_000))
  const cut = async () => {
    const abort = new AbortController()
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(multipart([...fields, part('y'.repeat(20_000))]).subarray(0, 10_000)),
      pull: () => abort.abort(),
    })
    const init = { method: 'POST', headers: MULTIPART, body: stream, duplex: 'half', signal: abort.signal } as const
    await assert.rejects(fetch(`${url}/uploads`, init))
  }
  const sent = await Promise.all([...contents.map((text) => sendParts([...fields, part(text)])), cut(), cut(), cut()])
  assert.deepEqual([...new Set(sent.flatMap((one) => one?.status ?? []))], [204])
  assert.ok(contents.includes((await kept()) ?? ''))
})
