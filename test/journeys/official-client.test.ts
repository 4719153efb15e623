/**
 * What no other journey asks of the official client, and the API as programs without a client meet it: by plain HTTP,
 * from a page of another origin, compressed, by HEAD, by wrong methods and of other versions.
 */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Event } from '../../contract/application-events.ts'
import type { ApplicationKey } from '../../contract/application-keys.ts'
import { type Official, officialClient, refusal, signInOfficially } from '../support/official.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { makeApplication, makeNotebook } from '../support/steps.ts'

let service: RunningService
let losant: Official
let token: string

before(async () => {
  service = await startService()
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  token = (await losant.call<{ token: string }>('me.refreshToken', {})).token
})
after(() => service[Symbol.asyncDispose]())

test('a session goes on with a new token, and nobody else vouches for its user', async () => {
  const fresh = officialClient(service.url, token)
  assert.equal((await fresh.call<{ email: string }>('me.get', {})).email, EMAIL)
  assert.ok(!(await officialClient(service.url).bare('auth.ssoDomain', { email: EMAIL })))
})

test('a user takes their leave with their password', async () => {
  const [email, password] = ['guest@example.com', 'another password for tests']
  const made = await ask('POST', '/users', { email, password })
  assert.equal(made.status, 201, await made.text())
  const guest = await signInOfficially(service.url, email, password)
  const wrong = await refusal(guest.call('me.delete', { credentials: { email, password: 'wrong' } }))
  assert.match(wrong.message, /password/)
  await guest.call('me.delete', { credentials: { email, password } })
  assert.equal((await refusal(signInOfficially(service.url, email, password))).statusCode, 401)
})

test('the most severe of the new events is told with how many there are', async () => {
  const { id: applicationId } = await makeApplication(losant)
  for (const [level, subject] of [
    ['info', 'door'],
    ['error', 'pump'],
    ['warning', 'pump 2'],
  ]) {
    await losant.call('events.post', { applicationId, event: { level, subject } })
  }
  const told = (params: object = {}) =>
    losant.bare<{ event?: Event; newCount: number }>('events.mostRecentBySeverity', { applicationId, ...params })
  const all = await told()
  assert.deepEqual([all.event?.subject, all.newCount], ['pump', 3])
  const some = await told({ filter: '* 2' })
  assert.deepEqual([some.event?.subject, some.newCount], ['pump 2', 1])
  assert.deepEqual(await told({ query: { level: 'critical' } }), { newCount: 0 })
})

test('access keys are made, listed, changed and taken away', async () => {
  const { id: applicationId } = await makeApplication(losant)
  const made = await losant.call<ApplicationKey & { secret: string }>('applicationKeys.post', {
    applicationId,
    applicationKey: { description: 'of the pumps' },
  })
  const applicationKeyId = made.id
  const list = await losant.call<{ items: ApplicationKey[] }>('applicationKeys.get', { applicationId })
  assert.deepEqual(
    list.items.map(({ key }) => key),
    [made.key],
  )
  assert.ok(!JSON.stringify(list).includes(made.secret))
  const changed = await losant.call<ApplicationKey>('applicationKey.patch', {
    applicationId,
    applicationKeyId,
    applicationKey: { status: 'inactive' },
  })
  assert.equal(changed.status, 'inactive')
  const read = await losant.call<ApplicationKey>('applicationKey.get', { applicationId, applicationKeyId })
  assert.deepEqual([read.status, read.description], ['inactive', 'of the pumps'])
  await losant.call('applicationKey.delete', { applicationId, applicationKeyId })
  assert.equal((await refusal(losant.call('applicationKey.get', { applicationId, applicationKeyId }))).statusCode, 404)
})

const ask = (method: string, path: string, body?: object, headers: Record<string, string> = {}) =>
  fetch(service.url + path, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body ? { 'content-type': 'application/json' } : {}),
      ...headers,
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })

test('plain HTTP: methods, versions, other origins, compression and HEAD', async () => {
  const { id: applicationId } = await makeApplication(losant)
  const path = `/applications/${applicationId}/notebooks`
  for (let index = 0; index < 5; index += 1)
    await makeNotebook(losant, applicationId, { description: 'x'.repeat(500) }, '1')

  const wrong = await ask('PUT', `${path}/`, {})
  assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'GET, HEAD, OPTIONS, POST'])
  assert.deepEqual(await wrong.json(), {
    type: 'MethodNotAllowed',
    message: 'PUT is not allowed; allowed are GET, HEAD, OPTIONS, POST',
  })
  const version = await ask('GET', path, undefined, { 'accept-version': '^2.0.0' })
  assert.deepEqual([version.status, Object(await version.json())['type']], [400, 'VersionNotAllowed'])

  const origin = 'https://app.example'
  const preflight = await ask('OPTIONS', path, undefined, { origin, 'access-control-request-method': 'POST' })
  assert.deepEqual([preflight.status, await preflight.text()], [204, ''])
  assert.deepEqual(
    ['allow-origin', 'allow-methods', 'max-age'].map((name) => preflight.headers.get(`access-control-${name}`)),
    [origin, 'DELETE,GET,HEAD,OPTIONS,PATCH,POST,PUT', '86400'],
  )

  // Node's fetch takes gzip and br and unpacks them; its length is that of what was sent.
  const list = await ask('GET', path, undefined, { origin })
  const text = await list.text()
  assert.equal(list.headers.get('access-control-allow-origin'), origin)
  assert.ok(['br', 'gzip'].includes(list.headers.get('content-encoding') ?? ''))
  assert.ok(Number(list.headers.get('content-length')) < text.length / 2)
  // Not compressed, because links in it are signed anew each time, and some signatures pack better than others.
  const plain = { 'accept-encoding': 'identity' }
  const head = await ask('HEAD', path, undefined, plain)
  const whole = await ask('GET', path, undefined, plain)
  assert.deepEqual(
    [head.status, await head.text(), head.headers.get('content-length')],
    [200, '', String(Buffer.byteLength(await whole.text()))],
  )

  // A page that a notebook made is for looking at, not for scripts of other pages.
  const [{ jupyterFileUrl }] = JSON.parse(text).items
  const file = await fetch(jupyterFileUrl, { headers: { origin } })
  assert.deepEqual([file.status, file.headers.get('access-control-allow-origin')], [200, null])
})

test('what is answered says where it is and what can be done with it', async () => {
  const { id: applicationId } = await makeApplication(losant)
  const { id } = await makeNotebook(losant, applicationId, {}, '1')
  const path = `/applications/${applicationId}/notebooks/${id}`
  const notebook = Object(
    await (
      await ask('GET', path.toUpperCase().replace('APPLICATIONS', 'applications').replace('NOTEBOOKS', 'notebooks'))
    ).json(),
  )
  assert.deepEqual([notebook._type, notebook._links], ['notebook', { self: { href: path } }])
  const { href, method } = notebook._actions.logs
  assert.deepEqual(await (await ask(method, href)).json(), [])
  const bare = Object(await (await ask('GET', `${path}?_actions=false&_links=no&_embedded=true`)).json())
  assert.deepEqual([bare._type, bare._links, bare._actions], ['notebook', undefined, undefined])
})

test('whoever knows only the address is told where to read on', async () => {
  const told = Object(await (await fetch(service.url)).json())
  assert.equal(told.name, 'Fieldbook')
  for (const { href } of Object.values<{ href: string }>(told._links)) {
    assert.ok((await fetch(service.url + href)).ok, href)
  }
})
