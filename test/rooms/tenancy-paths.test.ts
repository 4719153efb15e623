/**
 * Two applications of two users, each with one of everything, and every route asked with ids of the other one: in place of
 * the application, and of each other id in its path. What is foreign is answered word for word as what is not there, and
 * nothing of the other application changes.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Route } from '../../contract/route.ts'
import { type FullApplication, makeFullApplication } from '../support/full-application.ts'
import { ABSENT_ID } from '../support/minimal.ts'
import { type Answer, ask, type Parameters } from '../support/requests.ts'
import { nameOf, parametersOf, routes } from '../support/routes.ts'
import { openTenancyDoor, sumOf } from '../support/tenancy.ts'

const CALLERS = ['session', 'userToken', 'applicationToken', 'device', 'viewer'] as const

/** Together they let every kind of caller ask for everything. */
const SCOPE = ['all.User', 'all.Application']

/** In place of what is no id but a name. */
const absentOf = (parameter: string) => (parameter.endsWith('Id') ? ABSENT_ID : 'not_there')

/** The first of each: what the routes of an application are about. */
const ownIds = ({ id, ids }: FullApplication): Parameters => ({
  applicationId: id,
  ...Object.fromEntries(Object.entries(ids).map(([name, [first = '']]) => [name, first])),
})

/** Each id of the path alone replaced by every foreign thing there is for it, and all of them at once. */
function* replacements(route: Route, foreign: FullApplication): Generator<Parameters> {
  const places = parametersOf(route.path).filter((name) => name !== 'applicationId')
  for (const name of places) {
    for (const id of foreign.ids[name] ?? []) {
      yield { [name]: id }
      if (name.endsWith('Id')) yield { [name]: id.toUpperCase() }
    }
  }
  if (places.length > 1) yield Object.fromEntries(places.map((name) => [name, foreign.ids[name]?.[0] ?? '']))
}

/** Whom neither their role nor their kind keeps from a route. */
const mayAll = (kind: (typeof CALLERS)[number], { path }: Route) =>
  !path.startsWith('/users') && // for owners of the installation, and none of them is one
  (kind === 'session' || kind === 'userToken' || (kind === 'applicationToken' && path.includes(':applicationId')))

const idsOf = ({ id, ids }: FullApplication) => [id, ...Object.values(ids).flat()]

test('what is in another application is as if it were not there, whatever the route and whoever asks', async (t) => {
  const door = await openTenancyDoor(t)
  const own = await makeFullApplication(t, door, 'markA')
  const foreign = await makeFullApplication(t, door, 'markB')
  const named = new Set(routes.flatMap(({ path }) => parametersOf(path)))
  assert.deepEqual(
    [...named].filter((name) => name !== 'applicationId' && !foreign.ids[name]),
    [],
    'ids without a thing',
  )

  const asked = routes.filter(({ authenticated, path }) => authenticated && parametersOf(path).length > 0)
  const before = await sumOf(door, idsOf(foreign), [own.id, own.ownerId])
  const faults: string[] = []
  const counts = { application: 0, other: 0 }
  const compare = (what: string, there: Answer, absent: Answer, isAllowed: boolean) => {
    const isSame = there.status === absent.status && there.text === absent.text
    if (isSame && (there.status === 404 || (!isAllowed && there.status === 403))) return
    faults.push(`${what}: ${there.status} ${there.text} where nothing is there ${absent.status} ${absent.text}`)
  }

  for (const kind of CALLERS) {
    const token = await own.callers[kind](SCOPE)
    for (const route of asked) {
      const what = `${kind} ${nameOf(route)}`
      if (parametersOf(route.path).includes('applicationId')) {
        const ids = ownIds(foreign)
        const there = await ask(door, token, route, ids)
        const absent = await ask(door, token, route, { ...ids, applicationId: ABSENT_ID })
        compare(`${what} in the other application`, there, absent, true)
        counts.application += 1
      }
      for (const replaced of replacements(route, foreign)) {
        const nothing = Object.fromEntries(Object.keys(replaced).map((name) => [name, absentOf(name)]))
        const there = await ask(door, token, route, { ...ownIds(own), ...replaced })
        const absent = await ask(door, token, route, { ...ownIds(own), ...nothing })
        compare(`${what} with ${JSON.stringify(replaced)}`, there, absent, mayAll(kind, route))
        counts.other += 1
      }
    }
  }
  t.diagnostic(
    `${asked.length} routes × ${CALLERS.length} callers: ${counts.application} requests into the other application, ${counts.other} with its ids in one's own`,
  )
  assert.deepEqual(faults.slice(0, 20), [], `${faults.length} faults`)
  assert.ok(before.length > 20, `${before.length} tables and blobs are watched`)
  assert.deepEqual(
    await sumOf(door, idsOf(foreign), [own.id, own.ownerId]),
    before,
    'nothing of the other application has changed',
  )
})

test('what the routes that read answer of one application has nothing of another', async (t) => {
  const door = await openTenancyDoor(t)
  const own = await makeFullApplication(t, door, 'markA')
  const foreign = await makeFullApplication(t, door, 'markB')
  const strangers = [foreign.mark, ...idsOf(foreign)]
  const reading = routes.filter(({ method, authenticated }) => method === 'GET' && authenticated)
  let marked = 0
  for (const kind of CALLERS) {
    const token = await own.callers[kind](SCOPE)
    for (const route of reading) {
      const { text } = await ask(door, token, route, ownIds(own))
      if (text.includes(own.mark)) marked += 1
      assert.deepEqual(
        strangers.filter((one) => text.includes(one)),
        [],
        `${kind} ${nameOf(route)}`,
      )
    }
  }
  t.diagnostic(
    `${reading.length} routes × ${CALLERS.length} callers, ${marked} answers tell of what the application has`,
  )
  assert.ok(marked > reading.length, 'the answers do tell of what is there')
})
