/**
 * Every operation with every scope there is, asked of the real door by callers of each kind whose scope is that one
 * word: what the committed table says (test/support/scopes.json) is let through, all else is refused.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Route } from '../../contract/route.ts'
import { makeCallers } from '../support/callers.ts'
import { NO_RATES, openDoor } from '../support/door.ts'
import { ABSENT_ID, minimal } from '../support/minimal.ts'
import { fill, nameOf, parametersOf, routes } from '../support/routes.ts'
import { SCOPE_WORDS, statedScopes } from '../support/scope-words.ts'

const KINDS = ['session', 'userToken', 'applicationToken', 'device'] as const
type Kind = (typeof KINDS)[number]

const authenticated = routes.filter((route) => route.authenticated)

/** Anonymous operations have no scopes; whatever else asks for no token has to be added here. */
const ANONYMOUS = ['GET /auth/ssoDomain', 'POST /auth/device', 'POST /auth/user', 'POST /invitations/accept']

/** So many requests are on their way at a time: those that are let through wait for the database. */
const AT_ONCE = 64

test('the table of scopes is that of the contract, whose open operations are known', () => {
  const ofContract = routes.map((route) => [nameOf(route), route.scopes])
  assert.deepEqual(Object.fromEntries(statedScopes), Object.fromEntries(ofContract), 'see test/support/write-scopes.ts')
  assert.deepEqual(routes.filter((route) => !route.authenticated).map(nameOf), ANONYMOUS)
})

/** A request that nothing is wrong with, about things that are not there. */
function requestOf(route: Route) {
  const ids = Object.fromEntries(parametersOf(route.path).map((name) => [name, ABSENT_ID]))
  const query = new URLSearchParams(Object.entries(minimal(route.query) as Record<string, string>))
  return {
    method: route.method,
    url: `${fill(route.path, ids)}?${query}`,
    ...(route.body ? { payload: minimal(route.body.schema) as object } : {}),
  }
}

/** What is about an application is there for every kind, what is about a user for users only. */
function isFor(kind: Kind, route: Route): boolean {
  return route.path.startsWith('/applications/') || kind === 'session' || kind === 'userToken'
}

/** What is wrong with an answer, if anything: the application is not there, which is only told to those let through. */
function faultOf(route: Route, mayPass: boolean, { status, message }: { status: number; message: string }) {
  const isRefused = status === 403 && message === 'Access is forbidden'
  // Told to those let through alone: the matrix asks with a password that is wrong, more often than anybody may.
  if (mayPass && message.startsWith('Too many failed sign-ins')) return undefined
  if (!mayPass) return isRefused ? undefined : 'is let through'
  const isAbsent = status === 404 && message === 'Application was not found'
  if (route.path.startsWith('/applications/')) return isAbsent ? undefined : 'is not told that nothing is there'
  return status < 500 && status !== 401 && !isRefused ? undefined : 'is refused'
}

test('each operation lets through exactly the scopes of the table', async (t) => {
  const door = await openDoor(t, NO_RATES)
  await door.db.query('update users set is_owner = true where id = $1', [door.application.ownerId])
  const callers = await makeCallers(door.db, door.tokens, door.application)
  const faults: string[] = []
  let [cells, allowed] = [0, 0]

  for (const kind of KINDS) {
    const tokens = await Promise.all(SCOPE_WORDS.map((word) => callers[kind]([word])))
    const requests = authenticated.flatMap((route) => {
      const request = requestOf(route)
      const scopes = isFor(kind, route) ? (statedScopes.get(nameOf(route)) ?? []) : []
      return SCOPE_WORDS.map((word, index) => ({
        route,
        request,
        word,
        token: tokens[index],
        mayPass: scopes.includes(word),
      }))
    })
    const ask = async ({ route, request, word, token, mayPass }: (typeof requests)[number]) => {
      const reply = await door.app.inject({ ...request, headers: { authorization: `Bearer ${token}` } })
      cells += 1
      if (mayPass) allowed += 1
      const { message = '' } = reply.statusCode >= 400 ? reply.json() : {}
      const fault = faultOf(route, mayPass, { status: reply.statusCode, message })
      if (fault) faults.push(`${nameOf(route)}: ${kind} of scope "${word}" ${fault}: ${reply.statusCode} ${message}`)
    }
    while (requests.length > 0) await Promise.all(requests.splice(-AT_ONCE).map(ask))
  }
  t.diagnostic(
    `${authenticated.length} operations × ${SCOPE_WORDS.length} scopes × ${KINDS.length} kinds of callers = ${cells} cells, ${allowed} let through`,
  )
  assert.deepEqual(faults.slice(0, 20), [], `${faults.length} faults`)
  assert.equal(cells, authenticated.length * SCOPE_WORDS.length * KINDS.length)
})
