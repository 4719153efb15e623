/**
 * Every operation about an application with every role there is, asked of the real door: who is less than the operation
 * needs is refused with both roles named, a stranger is told that there is no such application, all others are let in. Of
 * the other operations, which are for owners of the installation.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Route } from '../../contract/route.ts'
import { ROLES, type Role } from '../../contract/scopes.ts'
import { createApplication } from '../../server/catalog/applications.ts'
import { openDoor } from '../support/door.ts'
import { makeUser } from '../support/make.ts'
import { ABSENT_ID, minimal } from '../support/minimal.ts'
import { fill, nameOf, parametersOf, routes } from '../support/routes.ts'

const APPLICATION = '/applications/:applicationId'
const inApplication = routes.filter(({ path }) => path.startsWith(APPLICATION))

/** What is not `GET` for viewers and everything else for editors, stated here once more. */
const ADMIN = [
  'DELETE …',
  'DELETE …/keys/:applicationKeyId',
  'DELETE …/members/:userId',
  'DELETE …/tokens/:apiTokenId',
  'GET …/auditLog',
  'GET …/callbackSecret',
  'GET …/keys',
  'GET …/keys/:applicationKeyId',
  'GET …/tokens',
  'GET …/tokens/:apiTokenId',
  'PATCH …/keys/:applicationKeyId',
  'PATCH …/members/:userId',
  'PATCH …/tokens/:apiTokenId',
  'POST …/callbackSecret/rotate',
  'POST …/keys',
  'POST …/members',
  'POST …/owner',
  'POST …/tokens',
  'PUT …/limits',
].map((name) => name.replace('…', APPLICATION))
const READS = [
  'POST …/data-tables/:dataTableId/rows/export',
  'POST …/data-tables/:dataTableId/rows/query',
  'POST …/data/export',
  'POST …/data/last-value-query',
  'POST …/data/time-series-query',
  'POST …/devices/:deviceId/export',
  'POST …/devices/export',
  'POST …/events/export',
  'POST …/notebooks/:notebookId/requestInputDataExport',
].map((name) => name.replace('…', APPLICATION))

/** A member may end their own share whatever they are; of anybody else's it is asked here. */
const BEHIND_THE_DOOR: Readonly<Record<string, Role>> = {
  'DELETE /applications/:applicationId/members/:userId': 'admin',
}

const needed = (route: Route): Role => BEHIND_THE_DOOR[nameOf(route)] ?? route.role

test('what needs an admin, and what only reads though it is no GET, is what is stated here', () => {
  const those = (holds: (route: Route) => boolean) => inApplication.filter(holds).map(nameOf)
  assert.deepEqual(
    those((route) => needed(route) === 'admin'),
    ADMIN,
  )
  assert.deepEqual(
    those((route) => route.method !== 'GET' && needed(route) === 'viewer'),
    READS,
  )
  assert.deepEqual(
    those((route) => route.method === 'GET' && needed(route) === 'editor'),
    [],
  )
})

/** A request that nothing is wrong with, about things that are not there in an application that is. */
function requestOf(route: Route, applicationId: string) {
  const ids = Object.fromEntries(parametersOf(route.path).map((name) => [name, ABSENT_ID]))
  const query = new URLSearchParams(Object.entries(minimal(route.query) as Record<string, string>))
  return {
    method: route.method,
    url: `${fill(route.path, { ...ids, applicationId })}?${query}`,
    ...(route.body ? { payload: minimal(route.body.schema) as object } : {}),
  }
}

/** What the caller is in the application, as the refusal of one who is too little spells it. */
const CALLERS = ['stranger', ...ROLES, 'owner'] as const
type Who = (typeof CALLERS)[number]

/** What was expected and did not happen, if anything. Whoever is let in may be told whatever there is to be told then. */
function faultOf(route: Route, who: Who, status: number, message: string): string | undefined {
  const isAbsent = status === 404 && message === 'Application was not found'
  if (who === 'stranger') return isAbsent ? undefined : 'a stranger is not told that nothing is there'
  const role = who === 'owner' ? 'admin' : who
  const refusal = `This needs the role ${needed(route)} in the application; yours is ${role}`
  const isRefused = status === 403 && message === refusal
  if (ROLES.indexOf(role) < ROLES.indexOf(needed(route))) return isRefused ? undefined : 'is let in'
  return isRefused || isAbsent || status === 401 ? 'is refused' : undefined
}

test('each operation lets in exactly the roles that it needs at least', async (t) => {
  const door = await openDoor(t)
  const { db, tokens } = door
  const ids: Record<Who, string> = {
    stranger: await makeUser(db),
    viewer: await makeUser(db),
    editor: await makeUser(db),
    admin: await makeUser(db),
    owner: await makeUser(db),
  }
  const faults: string[] = []
  const counts = { cells: 0, letIn: 0 }
  for (const who of CALLERS) {
    const token = await tokens.sign({ kind: 'user', userId: ids[who], generation: 0, scope: ['all.User'] }, 0)
    for (const route of inApplication) {
      // Each has one of its own: some of those who are let in delete it, or leave.
      const { id } = await createApplication(db, ids.owner, { name: 'a plant' })
      if (who !== 'stranger' && who !== 'owner') {
        const share = 'insert into application_members (application_id, user_id, role) values ($1, $2, $3)'
        await db.query(share, [id, ids[who], who])
      }
      const reply = await door.app.inject({ ...requestOf(route, id), headers: { authorization: `Bearer ${token}` } })
      const { message = '' } = reply.statusCode >= 400 ? reply.json() : {}
      const fault = faultOf(route, who, reply.statusCode, message)
      counts.cells += 1
      if (who !== 'stranger' && !String(message).startsWith('This needs the role')) counts.letIn += 1
      if (fault) faults.push(`${nameOf(route)}: ${who} ${fault}: ${reply.statusCode} ${message}`)
    }
  }
  t.diagnostic(
    `${inApplication.length} operations × ${CALLERS.length} callers = ${counts.cells} cells, ${counts.letIn} let in`,
  )
  assert.deepEqual(faults, [])
  assert.equal(counts.cells, inApplication.length * CALLERS.length)
})

/** For owners of the installation, stated here once more. */
const OWNER = [
  'DELETE /users/:userId',
  'GET /auditLog',
  'GET /retention',
  'GET /users',
  'GET /users/:userId',
  'PATCH /users/:userId',
  'POST /users',
  'POST /users/:userId/invitation',
  'POST /users/:userId/transfer',
]

test('what is about the installation lets in its owners alone, and what is about a user lets in users', async (t) => {
  const { app, db, tokens } = await openDoor(t)
  const outside = routes.filter(({ path, authenticated }) => authenticated && !path.startsWith(APPLICATION))
  assert.deepEqual(outside.filter(({ owner }) => owner).map(nameOf), OWNER)
  assert.deepEqual(
    inApplication.filter(({ owner }) => owner),
    [],
  )
  const faults: string[] = []
  for (const route of outside) {
    for (const isOwner of [false, true]) {
      // Each has a user of its own: some end sessions.
      const userId = await makeUser(db)
      await db.query('update users set is_owner = $2 where id = $1', [userId, isOwner])
      const token = await tokens.sign({ kind: 'user', userId, generation: 0, scope: ['all.User'] }, 0)
      const reply = await app.inject({ ...requestOf(route, ''), headers: { authorization: `Bearer ${token}` } })
      const isRefused = reply.statusCode === 403
      const mayPass = isOwner || !OWNER.includes(nameOf(route))
      if (isRefused === mayPass) faults.push(`${nameOf(route)}: owner ${isOwner}: ${reply.statusCode} ${reply.body}`)
    }
  }
  assert.deepEqual(faults, [])
})
