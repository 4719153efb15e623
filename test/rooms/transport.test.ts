/** What HTTP itself asks of the door: methods of a path, versions, pages of other origins, compression, HEAD. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { openDoor } from '../support/door.ts'
import { makeDevice, makeExecution, makeNotebook } from '../support/make.ts'

const ORIGIN = 'https://app.example'

test('a path asked by a method it does not have is answered with the methods it has', async (t) => {
  const { app, base } = await openDoor(t)
  const asked: [string, string, number, string | undefined][] = [
    ['PUT', base, 405, 'DELETE, GET, HEAD, OPTIONS, PATCH'],
    ['PUT', `${base}/`, 405, 'DELETE, GET, HEAD, OPTIONS, PATCH'],
    ['DELETE', `${base}/devices?token=x`, 405, 'GET, HEAD, OPTIONS, PATCH, POST'],
    ['PROPFIND', `${base}/notebooks/x/execute`, 405, 'OPTIONS, POST'],
    // The path is also that of a device with this name for an id.
    ['PUT', `${base}/devices/export`, 405, 'DELETE, GET, HEAD, OPTIONS, PATCH, POST'],
    ['POST', '/healthz', 405, 'GET, HEAD, OPTIONS'],
    ['POST', `/files/${'a'.repeat(24)}/b/c.txt`, 405, 'GET, HEAD, OPTIONS'],
    ['PUT', '/', 405, 'GET, HEAD, OPTIONS'],
    ['GET', '/nowhere', 404, undefined],
    ['GET', `${base}/nowhere`, 404, undefined],
    ['POST', `${base}/devices/x/y/z`, 404, undefined],
  ]
  for (const [method, url, status, allow] of asked) {
    const reply = await app.inject({ method: method as 'GET', url })
    assert.deepEqual([reply.statusCode, reply.headers.allow], [status, allow], `${method} ${url}`)
    const type = status === 405 ? 'MethodNotAllowed' : 'NotFound'
    assert.deepEqual([reply.json().type, Object.keys(reply.json())], [type, ['type', 'message']], reply.body)
    assert.doesNotMatch(reply.body, /token/)
  }
  const { message } = (await app.inject({ method: 'PUT', url: base })).json()
  assert.equal(message, 'PUT is not allowed; allowed are DELETE, GET, HEAD, OPTIONS, PATCH')
})

test('a path that can be none of ours is told so in few words', async (t) => {
  const { app } = await openDoor(t)
  const told = async (url: string) => {
    const { statusCode, body } = await app.inject({ url })
    assert.ok(body.length < 500, `${body.length} characters`)
    return [statusCode, JSON.parse(body).type, JSON.parse(body).message]
  }
  const id = [400, 'Validation', 'applicationId must be 24 hexadecimal digits']
  assert.deepEqual(await told(`/applications/${'a'.repeat(101)}`), id)
  assert.deepEqual(await told(`/applications/${'a'.repeat(2000)}`), id)
  const long = [400, 'Validation', 'A part of the path is longer than any name or id can be']
  assert.deepEqual(await told(`/applications/${'a'.repeat(3000)}`), long)
  const [status, type, message] = await told(`/applications/%zz${'a'.repeat(3000)}`)
  assert.deepEqual([status, type], [400, 'Validation'])
  assert.match(String(message), /^The path is not valid: each % in it must/)
  assert.deepEqual((await told(`/${'a'.repeat(3000)}`)).slice(0, 2), [404, 'NotFound'])
})

test('a version is checked once there is such a path, and before anything else', async (t) => {
  const { ask, app, base } = await openDoor(t)
  const told = async (version: string, url = base) => {
    const { status, text } = await ask('GET', url, undefined, { 'accept-version': version })
    return [status, JSON.parse(text).type]
  }
  for (const version of ['^1.30.0', '^1.20.4', '*', '', ' ', '1.x', '>=1 <2 || 3']) {
    assert.deepEqual(await told(version), [200, undefined], version)
  }
  for (const version of [
    '^2.0.0',
    '1.29',
    '~1.20.4',
    '>1.30.0',
    'latest',
    '{"a":1}',
    'x'.repeat(8000),
    '1||'.repeat(100),
  ]) {
    assert.deepEqual(await told(version), [400, 'VersionNotAllowed'], version.slice(0, 20))
  }
  assert.deepEqual(await told('^2.0.0', '/applications/x'), [400, 'VersionNotAllowed'])
  assert.deepEqual(await told('^2.0.0', '/nowhere'), [404, 'NotFound'])
  const headers = { 'accept-version': '^2.0.0' }
  assert.equal((await app.inject({ method: 'PUT', url: base, headers })).statusCode, 405)
})

test('the address alone tells a program where to read on, and sends a person there', async (t) => {
  const { app } = await openDoor(t)
  const program = await app.inject({ url: '/', headers: { accept: 'application/json' } })
  assert.deepEqual([program.statusCode, program.json().name], [200, 'Fieldbook'])
  for (const { href } of Object.values<{ href: string }>(program.json()._links)) {
    assert.equal((await app.inject({ url: href })).statusCode, 200, href)
  }
  const person = await app.inject({ url: '/', headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } })
  assert.deepEqual([person.statusCode, person.headers.location], [303, '/docs'])
  for (const { headers } of [program, person]) assert.match(String(headers['vary']), /\baccept\b(?!-)/)
})

test('a preflight of any path is answered, whoever asks', async (t) => {
  const { app, base } = await openDoor(t)
  for (const url of [base, `${base}/devices`, '/auth/user', '/nowhere', '*']) {
    const headers = { origin: ORIGIN, 'access-control-request-method': 'DELETE' }
    const reply = await app.inject({ method: 'OPTIONS', url, headers })
    assert.deepEqual([reply.statusCode, reply.body], [204, ''], url)
    assert.equal(reply.headers['access-control-allow-origin'], ORIGIN)
    assert.equal(reply.headers['access-control-allow-methods'], 'DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT')
    const allowed = String(reply.headers['access-control-allow-headers'])
    assert.match(allowed, /^Accept,Content-Type,X-Amz-Date,Authorization,Accept-Version,losantdomain\b/)
    assert.equal(reply.headers['access-control-max-age'], '86400')
    assert.match(String(reply.headers['vary']), /\borigin\b/i)
    assert.equal(reply.headers['access-control-allow-credentials'], undefined)
  }
  assert.equal((await app.inject({ method: 'OPTIONS', url: base })).statusCode, 204)
})

test('pages of other origins may read answers of the API, errors too, and nothing that others made', async (t) => {
  const { ask, app, base } = await openDoor(t)
  const readableBy = async (url: string, origin = ORIGIN) => {
    const { headers } = await ask('GET', url, undefined, { origin })
    assert.equal(headers['access-control-allow-credentials'], undefined)
    return headers['access-control-allow-origin']
  }
  for (const url of [base, `${base}/devices/x`, '/nowhere', '/']) assert.equal(await readableBy(url), ORIGIN, url)
  for (const url of ['/healthz', `/files/${'a'.repeat(24)}/b`, '/blobs/a/b', '/privateFiles/a/b/c']) {
    assert.equal(await readableBy(url), undefined, url)
  }
  assert.equal((await app.inject({ url: base })).headers['access-control-expose-headers'], undefined)
  assert.match(String((await ask('GET', base)).headers['vary']), /\borigin\b/i)
})

test('JSON of some size comes compressed to who takes it, with the length HEAD tells', async (t) => {
  const { ask, db, application, base } = await openDoor(t)
  for (let index = 0; index < 20; index += 1) await makeDevice(db, { applicationId: application.id })
  const plain = await ask('GET', `${base}/devices`)
  assert.ok(plain.raw.length > 5000)

  const unpack = { gzip: gunzipSync, br: brotliDecompressSync }
  for (const [accepted, coding] of [
    ['gzip', 'gzip'],
    ['GZIP, deflate', 'gzip'],
    ['gzip, compress, deflate, br', 'br'],
    ['br;q=0.5, gzip;q=0.8', 'gzip'],
    ['*', 'br'],
    ['', undefined],
    ['identity', undefined],
    ['zstd, gzip;q=0', undefined],
    [';;;=,,q', undefined],
  ] as const) {
    const reply = await ask('GET', `${base}/devices`, undefined, { 'accept-encoding': accepted })
    assert.equal(reply.headers['content-encoding'], coding, accepted)
    assert.match(String(reply.headers['vary']), /\baccept-encoding\b/)
    assert.equal(String(coding ? unpack[coding](reply.raw) : reply.raw), plain.text)
    assert.equal(Number(reply.headers['content-length']), reply.raw.length)
    if (coding) assert.ok(reply.raw.length < plain.raw.length / 4)
  }
  const small = await ask('GET', '/healthz', undefined, { 'accept-encoding': 'gzip' })
  assert.equal(small.headers['content-encoding'], undefined)
})

test('HEAD answers what GET would, without it', async (t) => {
  const { ask, db, application, base } = await openDoor(t)
  for (let index = 0; index < 20; index += 1) await makeDevice(db, { applicationId: application.id })
  for (const url of [base, `${base}/devices`, `${base}/devices/x`, '/healthz', '/']) {
    for (const headers of [{}, { 'accept-encoding': 'gzip' }]) {
      const [get, head] = [await ask('GET', url, undefined, headers), await ask('HEAD', url, undefined, headers)]
      assert.equal(head.raw.length, 0)
      const told = lasting(get.headers)
      const same = lasting(head.headers)
      assert.deepEqual([head.status, same], [get.status, told], url)
    }
  }
  // Its stream would go on until the execution ends, which this one never does.
  const notebook = await makeNotebook(db, { applicationId: application.id })
  const executionId = await makeExecution(db, notebook)
  const stream = await ask('HEAD', `${base}/notebooks/${notebook.id}/executions/${executionId}/events`)
  assert.deepEqual([stream.status, stream.headers['content-type']], [200, 'text/event-stream; charset=utf-8'])
})

/** Without what is another for each request. */
const lasting = (headers: object) =>
  Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => name !== 'date' && name !== 'x-request-id' && !name.startsWith('ratelimit'),
    ),
  )
