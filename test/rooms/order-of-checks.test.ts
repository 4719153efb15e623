/** Of every route of the contract: the form of a request is looked at first, then its token, then its scope, then what is there. */

import assert from 'node:assert/strict'
import test from 'node:test'
import type { Route } from '../../contract/route.ts'
import { newId } from '../../server/ground/ids.ts'
import { openDoor } from '../support/door.ts'
import { minimal } from '../support/minimal.ts'
import { fill, nameOf, parametersOf, routes } from '../support/routes.ts'

type Values = Record<string, string>

const asked = routes.filter(({ authenticated }) => authenticated)

/** A request with nothing wrong in it but for what is given, about things that are not there. */
function requestOf(
  route: Route,
  { params = {}, query = {}, token = '' }: { params?: Values; query?: Values; token?: string },
) {
  const search = new URLSearchParams({ ...(minimal(route.query) as Values), ...query })
  const payload = route.body ? (minimal(route.body.schema) as object) : undefined
  return {
    method: route.method,
    url: `${fill(route.path, { ...(minimal(route.params) as Values), ...params })}?${search}`,
    headers: token ? { authorization: `Bearer ${token}` } : {},
    ...(payload === undefined ? {} : { payload }),
  }
}

test('every route refuses in the same order', async (t) => {
  const { app, tokens, application } = await openDoor(t)
  const tell = async (route: Route, given: Parameters<typeof requestOf>[1]) => {
    const reply = await app.inject(requestOf(route, given))
    assert.deepEqual(Object.keys(reply.json()).slice(0, 2), ['type', 'message'], nameOf(route))
    return [reply.statusCode, reply.json().type]
  }
  const sign = (scope: string[]) => tokens.sign({ kind: 'user', userId: application.ownerId, scope }, 0)
  const [all, none] = [await sign(['all.User']), await sign(['nothing.get'])]
  assert.ok(asked.length > 100, `${asked.length} routes`)
  for (const route of asked) {
    const faulty = parametersOf(route.path).find((name) => name.endsWith('Id'))
    if (faulty) {
      for (const token of ['', 'wrong', none, all]) {
        assert.deepEqual(await tell(route, { params: { [faulty]: 'x' }, token }), [400, 'Validation'], nameOf(route))
      }
    }
    assert.deepEqual(await tell(route, {}), [403, 'Forbidden'], nameOf(route))
    assert.deepEqual(await tell(route, { token: 'wrong' }), [401, 'Unauthorized'], nameOf(route))
    assert.deepEqual(await tell(route, { token: none }), [403, 'Forbidden'], nameOf(route))
    if (!route.path.includes(':applicationId')) continue
    const away = { params: { applicationId: newId() }, token: all }
    assert.deepEqual(await tell(route, away), [404, 'NotFound'], nameOf(route))
    // Parameters that nobody knows are passed over, and so is a word for how to answer.
    const odd = { ...away, query: { colour: 'red', _actions: 'false', _embedded: 'perhaps' } }
    assert.deepEqual(await tell(route, odd), [404, 'NotFound'], nameOf(route))
  }
})

test('a body that is missing or faulty is refused before the token is looked at', async (t) => {
  const { app } = await openDoor(t)
  for (const route of asked.filter(({ body }) => body && !body.optional)) {
    const { method, url } = requestOf(route, {})
    const name = route.body?.name ?? ''
    const missing = await app.inject({ method, url })
    assert.deepEqual([missing.statusCode, missing.json().message], [400, `${name} is required`], nameOf(route))
    const faulty = await app.inject({ method, url, payload: 'null', headers: { 'content-type': 'application/json' } })
    assert.deepEqual([faulty.statusCode, faulty.json().type], [400, 'Validation'], nameOf(route))
  }
})

test('an empty body and an empty JSON body are no body, by any method', async (t) => {
  const { app } = await openDoor(t)
  for (const route of asked.filter(({ body, file }) => !body && !file)) {
    for (const payload of ['', '{}']) {
      const headers = { 'content-type': 'application/json' }
      const reply = await app.inject({ ...requestOf(route, {}), payload, headers })
      assert.deepEqual([reply.statusCode, reply.json().type], [403, 'Forbidden'], `${nameOf(route)} ${payload}`)
    }
  }
})
