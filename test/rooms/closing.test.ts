/** A door that closes, over real sockets: what is under way ends, what comes later is told to come again elsewhere. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import test from 'node:test'
import { newId } from '../../server/ground/ids.ts'
import { openDoor as listenAt } from '../../server/http/listen.ts'
import { openDoor } from '../support/door.ts'
import { makeCells } from '../support/make.ts'
import { connectTo, readAll, sayTo } from '../support/raw-http.ts'

const LIMIT = { timeout: 60_000 }
const BODY = '{"email":"nobody@example.com","password":"12345678"}'
const head = (line: string, ...fields: string[]) => `${[line, 'Host: x', ...fields].join('\r\n')}\r\n\r\n`
const signIn = head('POST /auth/user HTTP/1.1', 'Content-Type: application/json', `Content-Length: ${BODY.length}`)

test('a door that drains refuses what is new, closes that connection, and goes on reading', LIMIT, async (t) => {
  const { app, draining } = await openDoor(t)
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  draining.abort()
  const refused = await sayTo(url, signIn + BODY)
  assert.equal(refused.status, 503)
  assert.equal(JSON.parse(refused.body).type, 'Unavailable')
  assert.equal(refused.headers['retry-after'], '2')
  assert.equal(refused.headers['connection'], 'close')
  assert.equal(refused.headers['x-content-type-options'], 'nosniff')
  const read = connectTo(url)
  read.write(head('GET /healthz HTTP/1.1'))
  assert.match(String((await once(read, 'data'))[0]), /^HTTP\/1\.1 200 [\s\S]*connection: keep-alive/i)
  read.destroy()
})

test('a door that drains answers queries by POST, and cancels', LIMIT, async (t) => {
  const { ask, draining, base, db, blobs, application } = await openDoor(t)
  const notebook = await makeCells({ db, blobs }, ['1'], { applicationId: application.id })
  const columns = [{ name: 'a', dataType: 'number', constraint: 'optional' }]
  const table = JSON.parse((await ask('POST', `${base}/data-tables`, { name: 'a table', columns })).text)
  draining.abort()
  const queries: [string, object][] = [
    [`${base}/data/time-series-query`, {}],
    [`${base}/data/last-value-query`, { attribute: 'a' }],
    [`${base}/data-tables/${table.id}/rows/query`, {}],
  ]
  for (const [path, body] of queries) {
    const { status, text } = await ask('POST', path, body)
    assert.equal(status, 200, `${path}: ${text}`)
  }
  const at = `${base}/notebooks/${notebook.id}`
  const run = `executionId=${newId()}`
  for (const path of [`${at}/cancelExecution?${run}`, `${at}?${run}`, `${at}/backfills/${newId()}/cancel`]) {
    const { status, text } = await ask('POST', path)
    assert.equal(status, 404, `${path}: ${text}`)
  }
  const changes: [string, object][] = [
    [`${at}/execute`, {}],
    [`${at}/backfills`, { start: '2026-01-01', end: '2026-01-02', window: 'P1D' }],
    [`${base}/data/export`, {}],
    ['/nowhere', {}],
  ]
  for (const [path, body] of changes) assert.equal((await ask('POST', path, body)).status, 503, path)
  assert.equal((await ask('DELETE', at)).status, 503)
})

test('what was under way when the door closed is answered, and what comes then is refused', LIMIT, async (t) => {
  const { app } = await openDoor(t)
  const door = await listenAt(app, { port: 0, host: '127.0.0.1' })
  const { url } = door
  // Half of its head is there, so it is no idle connection, and its request begins when the door has closed.
  const next = connectTo(url)
  next.write('POST /auth/user HTTP/1.1\r\n')
  await once(app.server, 'connection')
  const begun = once(app.server, 'request')
  const under = connectTo(url)
  under.write(signIn + BODY.slice(0, 10))
  await begun
  const closed = door[Symbol.asyncDispose]()
  const answers = Promise.all([readAll(under), readAll(next)])
  under.write(BODY.slice(10))
  next.write(signIn.slice('POST /auth/user HTTP/1.1\r\n'.length) + BODY)
  const [first, second] = await answers
  assert.equal(first.status, 401, first.body)
  assert.equal(second.status, 503, second.body)
  assert.deepEqual([JSON.parse(second.body).type, second.headers['retry-after']], ['Unavailable', '2'])
  await closed
})
