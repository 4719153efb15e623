/** The door: the order in which a request is refused, the shape of every error, and whose things can be seen. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { setApplicationLimits } from '../../server/catalog/application-limits.ts'
import { placeFile } from '../../server/catalog/files/place.ts'
import { newId } from '../../server/ground/ids.ts'
import { answer } from '../../server/http/errors.ts'
import { linkTo } from '../../server/stores/blobs/links.ts'
import { openDoor, SECRET } from '../support/door.ts'
import { column, makeApplication, makeDevice, makeTable } from '../support/make.ts'

test('a request is refused for its form first, then for its token, then for its scope', async (t) => {
  const { ask, tokens, application, base } = await openDoor(t)
  const told = async (url: string, headers: object, payload?: object) => {
    const { status, text } = await ask(payload ? 'POST' : 'GET', url, payload, headers)
    return [status, JSON.parse(text).type]
  }
  const [none, wrong] = [{ authorization: '' }, { authorization: 'Bearer wrong' }]
  const reads = await tokens.sign({ kind: 'user', userId: application.ownerId, scope: ['all.User.read'] }, 0)
  const reading = { authorization: `Bearer ${reads}` }
  assert.deepEqual(await told('/applications/x', none), [400, 'Validation'])
  assert.deepEqual(await told(`${base}/devices`, none, { wrong: 1 }), [400, 'Validation'])
  assert.deepEqual(await told(base, none), [403, 'Forbidden'])
  assert.deepEqual(await told(base, wrong), [401, 'Unauthorized'])
  assert.deepEqual(await told(base, reading), [200, undefined])
  assert.deepEqual(await told(`${base}/devices`, reading, { name: 'd' }), [403, 'Forbidden'])
  assert.deepEqual(await told(`${base}?access_token=${reads}`, none), [200, undefined])
  assert.deepEqual(await told(`${base}?jwt=${reads}`, none), [200, undefined])
  assert.deepEqual(await told(base, { authorization: `jwt ${reads}` }), [200, undefined])
  assert.deepEqual(await told(base, { authorization: `Basic ${reads}` }), [403, 'Forbidden'])
})

test('what belongs to somebody else looks as if it were not there', async (t) => {
  const { ask, db, base } = await openDoor(t)
  const foreign = await makeDevice(db)
  const absent = await ask('GET', `/applications/${newId()}/devices`)
  const theirs = await ask('GET', `/applications/${foreign.applicationId}/devices`)
  assert.deepEqual([theirs.status, theirs.text], [404, '{"type":"NotFound","message":"Application was not found"}'])
  assert.deepEqual([absent.status, absent.text], [theirs.status, theirs.text])
  assert.equal(
    (await ask('GET', `${base}/devices/${foreign.id}`)).text,
    '{"type":"NotFound","message":"Device was not found"}',
  )
  assert.equal((await ask('DELETE', `${base}/devices/${foreign.id}`)).status, 404)
})

const malformed: [string, string | object | undefined, number, RegExp][] = [
  ['no body', undefined, 400, /"device is required"/],
  ['a body that is no JSON', '{"name":', 400, /"type":"Validation"/],
  ['a body that is null', 'null', 400, /"device is required"/],
  ['a body that reaches for prototypes', '{"name":"d","__proto__":{"a":1}}', 400, /"device\.__proto__ is a name/],
  [
    'a body with a name twice',
    '{"name":"d","tags":[{"key":"a","key":"b"}]}',
    400,
    /"device\.tags\.0\.key is given twice"/,
  ],
  ['a body without an end', '['.repeat(90_000), 400, /"device(\.0){32} is nested more than 32 levels deep"/],
  ['a body of another kind', '[]', 400, /"device must be an object, not a list"/],
]
for (const [what, payload, status, text] of malformed) {
  test(`${what} is answered in the shape of the API`, async (t) => {
    const { ask, base } = await openDoor(t)
    const reply = await ask('POST', `${base}/devices`, payload)
    assert.equal(reply.status, status, reply.text)
    assert.match(reply.text, text)
    assert.deepEqual(Object.keys(JSON.parse(reply.text)), ['type', 'message'])
  })
}

test('a body that is too large is answered with the limit', async (t) => {
  const { ask, base } = await openDoor(t)
  const reply = await ask('POST', `${base}/devices`, { name: 'd', description: 'x'.repeat(100_001) })
  assert.equal(reply.status, 413)
  assert.deepEqual(JSON.parse(reply.text), {
    type: 'LimitExceeded',
    message: 'The body is larger than the 100000 bytes that are allowed (FIELDBOOK_BODY_SIZE)',
    limit: { name: 'bodyBytes', of: 'installation', allowed: 100_000 },
  })
})

test('an application’s own limits of sizes hold, and a body is not told of another’s', async (t) => {
  const { ask, app, base, db, application, tokens } = await openDoor(t)
  await setApplicationLimits(db, application.id, { bodyBytes: 70_000, notebookBytes: 2000, fileBytes: 3000 })
  const { id } = await makeDevice(db, { applicationId: application.id })
  const url = `${base}/devices/${id}/state`
  const states = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ time: 1_700_000_000_000 + n, data: { a: 1 } }))
  const body = states(2000)
  const bytes = JSON.stringify(body).length
  const large = await ask('POST', url, body)
  assert.equal(large.status, 413)
  assert.deepEqual(JSON.parse(large.text), {
    type: 'LimitExceeded',
    message: 'The body is larger than the 70000 bytes that are allowed (set for the application)',
    limit: { name: 'bodyBytes', of: 'application', allowed: 70_000, used: bytes },
  })
  assert.equal((await ask('POST', url, states(1800))).status, 200)
  const { ownerId } = await makeApplication(db)
  const stranger = await tokens.sign({ kind: 'user', userId: ownerId, scope: ['all.User'] }, 0)
  const headers = { authorization: `Bearer ${stranger}` }
  assert.equal((await app.inject({ method: 'POST', url, headers, payload: body })).statusCode, 404)
  const file = await ask('POST', `${base}/files`, { name: 'f', type: 'file', fileSize: 3001 })
  assert.deepEqual([file.status, JSON.parse(file.text).limit.allowed], [413, 3000])
})

test('ids may be written in capitals, paths with a slash at the end, and DELETE with an empty JSON body', async (t) => {
  const { ask, db, application, base } = await openDoor(t)
  const { id } = await makeDevice(db, { applicationId: application.id })
  assert.equal(
    (await ask('GET', `/applications/${application.id.toUpperCase()}/devices/${id.toUpperCase()}`)).status,
    200,
  )
  assert.equal((await ask('GET', `${base}/devices/`)).status, 200)
  assert.equal((await ask('DELETE', `${base}/devices/${id}`, '')).text, '{"success":true}')
  const missing = await ask('GET', '/nothing/here?token=secret')
  assert.deepEqual(
    [missing.status, missing.text],
    [404, '{"type":"NotFound","message":"GET /nothing/here does not exist"}'],
  )
})

test('a fault of ours shows a reference and nothing else', async (t) => {
  const { ask, db, base } = await openDoor(t)
  await db.query('alter table devices rename to gone')
  const { status, text } = await ask('GET', `${base}/devices`)
  assert.equal(status, 500)
  assert.match(text, /^\{"type":"Error","message":"Something went wrong on our side; its reference is [0-9a-f]{24}"\}$/)
})

test('the log of a fault has the path of the request, never the token in its query', () => {
  const logged: unknown[] = []
  const log = { error: (fields: unknown) => logged.push(fields) }
  const reply = { code: () => reply, send: () => reply }
  const request = { url: '/here?access_token=secret&jwt=secret', log }
  Reflect.apply(answer, undefined, [new Error('a bug'), request, reply])
  assert.equal(logged.length, 1)
  assert.match(JSON.stringify(logged), /"url":"\/here"/)
  assert.doesNotMatch(JSON.stringify(logged), /secret/)
})

test('an upload that is no notebook, too large or not there leaves the file as it was', async (t) => {
  const { ask, base } = await openDoor(t)
  const { id } = JSON.parse((await ask('POST', `${base}/notebooks`, { name: 'n' })).text)
  const upload = (body: string, part = 'jupyterFile') =>
    ask(
      'POST',
      `${base}/notebooks/${id}/upload`,
      `--b\r\nContent-Disposition: form-data; name="${part}"; filename="a.ipynb"\r\n\r\n${body}\r\n--b--\r\n`,
      { 'content-type': 'multipart/form-data; boundary=b' },
    )
  const good = '{"nbformat":4,"nbformat_minor":5,"metadata":{},"cells":[]}'
  assert.equal(JSON.parse((await upload(good)).text).jupyterFileName, 'a.ipynb')
  for (const [reply, message] of [
    [await upload('no JSON'), /"type":"Validation"/],
    [await upload('{"nbformat":2}'), /"type":"Validation"/],
    [await upload(good, 'other'), /jupyterFile is not in the multipart body/],
    [await ask('POST', `${base}/notebooks/${id}/upload`, '{}'), /must be sent as a file of a multipart/],
  ] as const) {
    assert.equal(reply.status, 400, reply.text)
    assert.match(reply.text, message)
  }
  const large = await upload('x'.repeat(10_001))
  assert.equal(large.status, 413)
  assert.deepEqual(JSON.parse(large.text), {
    type: 'LimitExceeded',
    message: 'jupyterFile is larger than the 10000 bytes that are allowed (FIELDBOOK_NOTEBOOK_SIZE)',
    limit: { name: 'notebookBytes', of: 'installation', allowed: 10_000 },
  })
  assert.equal(JSON.parse((await ask('GET', `${base}/notebooks/${id}`)).text).jupyterFileName, 'a.ipynb')
})

test('files come without a token, boxed in, whole or a range', async (t) => {
  const { ask, db, blobs, application } = await openDoor(t)
  const content = Buffer.from('<script>0123456789</script>')
  await blobs.put('files/page', content)
  const size = content.length
  const page = { applicationId: application.id, notebookId: newId(), private: false, directory: '/a b', name: 'ü.html' }
  await placeFile(db, { ...page, blobKey: 'files/page', sizeBytes: size, contentType: 'text/html' })
  const url = `/files/${application.id}/a%20b/%C3%BC.html`
  const get = (range?: string, path = url) =>
    ask('GET', path, undefined, { authorization: '', ...(range ? { range } : {}) })
  const whole = await get()
  assert.deepEqual(
    [whole.status, whole.text, whole.headers['content-type']],
    [200, String(content), 'text/html; charset=utf-8'],
  )
  assert.match(String(whole.headers['content-security-policy']), /^sandbox; default-src 'none'/)
  assert.equal(whole.headers['content-disposition'], `inline; filename="_.html"; filename*=UTF-8''%C3%BC.html`)
  const ranges: [string, number, string, string | undefined][] = [
    ['bytes=8-9', 206, '01', `bytes 8-9/${size}`],
    [`bytes=${size - 1}-`, 206, '>', `bytes ${size - 1}-${size - 1}/${size}`],
    ['bytes=-2', 206, 't>', `bytes ${size - 2}-${size - 1}/${size}`],
    [`bytes=0-${size * 9}`, 206, String(content), `bytes 0-${size - 1}/${size}`],
    [`bytes=${size}-`, 416, '', `bytes */${size}`],
    ['bytes=-0', 416, '', `bytes */${size}`],
    ['bytes=9-8', 200, String(content), undefined],
    ['bytes=-', 200, String(content), undefined],
    ['bytes=0-1,3-4', 200, String(content), undefined],
    ['lines=0-1', 200, String(content), undefined],
  ]
  for (const [range, status, text, told] of ranges) {
    const reply = await get(range)
    assert.deepEqual([reply.status, reply.headers['content-range']], [status, told], range)
    if (status !== 416) assert.equal(reply.text, text, range)
  }
  for (const path of ['/a%20b', '/a%20b/..%2Fa%20b%2F%C3%BC.html', '/%C3%BC.html']) {
    assert.equal((await get(undefined, `/files/${application.id}${path}`)).status, 404, path)
  }
})

test('a signed link opens its blob until it ends, and nothing else', async (t) => {
  const { ask, blobs } = await openDoor(t)
  await blobs.put('executions/e/1/outputs/0', Buffer.from('a,b\n'))
  const link = (key: string, fileName: string, inMs = 60_000) =>
    linkTo(SECRET, { key, fileName, expiresAt: new Date(Date.now() + inMs) })
  const get = (url: string) => ask('GET', url, undefined, { authorization: '' })
  const open = await get(link('executions/e/1/outputs/0', 'rows 1.csv'))
  assert.deepEqual([open.status, open.text, open.headers['content-type']], [200, 'a,b\n', 'text/csv; charset=utf-8'])
  const over = await get(link('executions/e/1/outputs/0', 'rows.csv', -1))
  assert.deepEqual(
    [over.status, JSON.parse(over.text).message],
    [403, 'This link has expired; ask the API for a new one'],
  )
  assert.equal((await get(link('executions/e/1/outputs/0', 'a.csv').replace('a.csv', 'a.html'))).status, 403)
  assert.equal((await get(link('executions/e/1/outputs/1', 'a.csv'))).status, 404)
  assert.equal((await get(link('executions/e', 'a.csv'))).status, 404)
  assert.equal((await get('/blobs/eA/a.csv')).status, 403)
  assert.equal((await get('/blobs/eA/a.csv?expires=1&expires=2&signature=x&signature=y')).status, 403)
})

test('health is 200 when every part is ready, and names the one that is not', async (t) => {
  const { ask, health } = await openDoor(t)
  assert.equal((await ask('GET', '/healthz')).status, 200)
  health.image.ready = false
  const { status, text } = await ask('GET', '/healthz')
  assert.deepEqual(
    [status, JSON.parse(text)],
    [503, { ready: false, database: { ready: true }, image: { ready: false } }],
  )
})

test('a refusal says what was wrong, and never carries the request back', async (t) => {
  const { ask, db, application, base } = await openDoor(t)
  const { id } = JSON.parse((await ask('POST', `${base}/notebooks`, { name: 'n' })).text)
  const table = await makeTable(db, [column('a')], { applicationId: application.id })
  const [long, name] = ['x'.repeat(9000), 'x'.repeat(900)]
  const upload = (cell: object, metadata = {}) =>
    ask(
      'POST',
      `${base}/notebooks/${id}/upload`,
      `--b\r\nContent-Disposition: form-data; name="jupyterFile"\r\n\r\n${JSON.stringify({ nbformat: 4, nbformat_minor: 5, metadata, cells: [cell] })}\r\n--b--\r\n`,
      { 'content-type': 'multipart/form-data; boundary=b' },
    )
  const rows = `${base}/data-tables/${table.id}/rows`
  const code = (output: object) => ({
    cell_type: 'code',
    source: '',
    metadata: {},
    execution_count: null,
    outputs: [output],
  })
  for (const [reply, message] of [
    [await upload({ cell_type: long, source: '' }), /^Cell 1 has the unknown type "x+…$/],
    [await upload(code({ output_type: long })), /has the unknown type "x+…$/],
    [
      await upload({ cell_type: 'raw', source: '' }, { kernelspec: { name: 'x', language: long, display_name: '' } }),
      /^The notebook is written in x+…;/,
    ],
    [await ask('GET', `${rows}?includeFields=${long}`), /"x+…" is not a column/],
    [await ask('POST', `${rows}/query`, { [name]: 1 }), / is not a field/],
    [await ask('POST', `${rows}/query`, { a: { [`$${name}`]: 1 } }), / is not an operator/],
    [await ask('POST', `${base}/devices`, { name: 'd', [name]: long }), /^device\.x+… is not a known property/],
    [await ask('GET', `/${long}`), /^GET \/x+… does not exist$/],
  ] as const) {
    const told = JSON.parse(reply.text).message
    assert.match(told, message)
    assert.ok(told.length < 600, `${told.length} characters: ${told.slice(0, 80)}`)
  }
})
