/** Every route, asked in every wrong way: the answer has the shape of the API and its headers, and tells nothing of the inside. */

import assert from 'node:assert/strict'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Route } from '../../contract/route.ts'
import { newId } from '../../server/ground/ids.ts'
import { openDoor } from '../support/door.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const isRoute = (value: unknown): value is Route =>
  typeof value === 'object' && value !== null && 'operation' in value && 'path' in value && 'params' in value
const modules: object[] = await Promise.all(
  globSync('contract/*.ts', { cwd: ROOT }).map((file) => import(join(ROOT, file))),
)
const routes = modules.flatMap((module) => Object.values(module).filter(isRoute))

const HEADERS = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache, no-store, must-revalidate',
  'cross-origin-resource-policy': 'same-origin',
  'strict-transport-security': 'max-age=31536000',
}

/** A path of the machine, a frame of a stack, the text of a statement, or of the database's errors. */
const INSIDE =
  /\bat .*[(/].*:\d+|node_modules|node:internal|\.ts\b|\/work\/|\/tmp\/|\/home\/|\b(?:select|insert into|delete from) |relation "|syntax error|pg_|ECONN/i

const https = { FIELDBOOK_PUBLIC_URL: 'https://fieldbook.example' }

function requireAnswer(answer: { status: number; headers: object; text: string }, what: string) {
  const headers: Record<string, unknown> = { ...answer.headers }
  for (const [name, value] of Object.entries(HEADERS)) assert.equal(headers[name], value, `${what}: ${name}`)
  assert.match(String(headers['x-request-id']), /^[0-9a-f]{24}$/, what)
  assert.equal(headers['x-powered-by'], undefined, what)
  assert.equal(headers['server'], undefined, what)
  if (answer.status < 400) return
  const { type, message } = JSON.parse(answer.text)
  assert.deepEqual([typeof type, typeof message], ['string', 'string'], what)
  assert.doesNotMatch(answer.text, INSIDE, what)
}

const pathOf = ({ path }: Route, id: (name: string) => string) => path.replaceAll(/:(\w+)/g, (_, name) => id(name))

test('the answers of all routes to what is wrong', { timeout: 300_000 }, async (t) => {
  const { app, ask, base } = await openDoor(t, https)
  const inject = async (method: Route['method'], url: string, headers: object, payload?: string) => {
    const reply = await app.inject({
      method,
      url,
      headers: { ...headers },
      ...(payload === undefined ? {} : { payload }),
    })
    return { status: reply.statusCode, headers: reply.headers, text: reply.body }
  }
  const json = { 'content-type': 'application/json' }
  const seen = new Set<number>()
  const look = (answer: { status: number; headers: object; text: string }, what: string) => {
    seen.add(answer.status)
    requireAnswer(answer, what)
  }
  for (const route of routes) {
    const { method, operation } = route
    const url = pathOf(route, () => newId())
    const wrong: [string, string, object, string?][] = [
      ['no token', url, {}],
      ['a wrong token', url, { authorization: 'Bearer wrong' }],
      ['ids that are none', pathOf(route, () => "'; drop"), {}],
      ['one level more', `${url}/nothing/here`, {}],
      ['a path that can not be read', `${url}/%ff`, {}],
    ]
    if (method !== 'GET') {
      wrong.push(['half of a body', url, json, '{"a":'])
      wrong.push(['a name twice', url, json, '{"a":1,"a":2}'])
      wrong.push(['a type that is not taken', url, { 'content-type': 'text/xml' }, '<a/>'])
      wrong.push(['too large a body', url, json, `"${'x'.repeat(100_001)}"`])
    }
    for (const [what, path, headers, payload] of wrong)
      look(await inject(method, path, headers, payload), `${operation} with ${what}`)
  }
  look(await ask('GET', base), 'an answer that is none')
  look(await ask('GET', '/'), 'no path')
  for (const path of [`/files/${newId()}/a`, '/blobs/a/b', `/privateFiles/${newId()}/${newId()}/a`, '/uploads'])
    look(await ask('GET', path), path)
  const early: [string, string, object][] = [
    ['a path of no characters', '/%zz', {}],
    ['too long a part', `/applications/${'a'.repeat(3000)}`, {}],
    ['too long a URL', `/?${'a'.repeat(17_000)}`, {}],
    ['too many parameters', `/?${'a&'.repeat(300)}`, {}],
    ['too many fields', '/', Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`x-${n}`, '1']))],
    ['another version', '/me', { 'accept-version': '^9.0.0' }],
  ]
  for (const [what, path, headers] of early) look(await inject('GET', path, headers), what)
  const preflight = await app.inject({ method: 'OPTIONS', url: base, headers: { origin: 'https://a.example' } })
  look({ status: preflight.statusCode, headers: preflight.headers, text: preflight.body }, 'a preflight')
  // A form that is no form, sent to where anybody may send.
  look(await ask('POST', '/uploads', '{}'), 'no form')
  const missing = [200, 204, 400, 401, 403, 404, 413, 414, 415, 431].filter((status) => !seen.has(status))
  assert.deepEqual(missing, [], `of ${routes.length} routes: ${[...seen]}`)
})

test('a fault of ours on any route is a reference, and the statement that failed is in the log', {
  timeout: 300_000,
}, async (t) => {
  const { ask, db, application } = await openDoor(t, https)
  // Everything the routes ask the database for is there no more.
  await db.query('alter schema public rename to elsewhere')
  let faults = 0
  for (const route of routes) {
    if (route.method === 'PATCH' || route.method === 'PUT' || route.file || route.body) continue
    const url = pathOf(route, (name) => (name === 'applicationId' ? application.id : newId()))
    const answer = await ask(route.method, url)
    requireAnswer(answer, route.operation)
    if (answer.status !== 500) continue
    faults++
    assert.match(
      answer.text,
      /^\{"type":"Error","message":"Something went wrong on our side; its reference is [0-9a-f]{24}"\}$/,
    )
  }
  assert.ok(faults > 30, `${faults} routes met the fault`)
})

test('HTTPS is said to be the only way where the service is reached by it, and nowhere else', async (t) => {
  for (const env of [{}, { FIELDBOOK_PUBLIC_URL: 'http://fieldbook.example' }]) {
    const { ask } = await openDoor(t, env)
    assert.equal((await ask('GET', '/healthz')).headers['strict-transport-security'], undefined)
  }
})
