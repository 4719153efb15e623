/**
 * Our operations beside those of the published API, where its description lies next to the repository: method, path,
 * status and every parameter are the published ones, and what is missing is known by name.
 */

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { nameOf as keyOf, routes } from '../support/routes.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PUBLISHED = join(ROOT, '../shared/contract/operations.json')

interface PublishedOperation {
  readonly resource: string
  readonly action: string
  readonly method: string
  readonly path: string
  readonly params: readonly { name: string; in: string; required?: boolean }[]
  readonly responses: readonly { code: number }[]
  readonly scopes: readonly string[]
}

/** Operations of these resources that Fieldbook does not have, in the order they are published in. */
const MISSING = [
  // Whole applications as bundles, archives in other people's stores, counts for a bill.
  ['applications.import', 'applications.periodSummaries', 'application.applyTemplate', 'application.archiveData'],
  ['application.backfillArchiveData', 'application.clone', 'application.export', 'application.fullDataTablesArchive'],
  ['application.fullEventsArchive', 'application.import', 'application.importLogs'],
  // What needs a message broker.
  ['application.mqttPublishMessage', 'application.mqttSubscriptionStream', 'application.payloadCounts'],
  ['application.payloadCountsBreakdown', 'devices.payloadCounts', 'devices.sendCommand', 'device.commandStream'],
  ['device.getCommand', 'device.payloadCounts', 'device.payloadCountsBreakdown', 'device.sendCommand'],
  ['device.stateStream'],
  // Others who vouch for users, organisations, a console with its recent items, and mail that proves an address.
  ['auth.authenticateUserGithub', 'auth.authenticateUserSaml', 'me.addRecentItem', 'me.disconnectGithub'],
  ['me.fetchRecentItems', 'me.invite', 'me.invites', 'me.payloadCounts', 'me.payloadCountsBreakdown'],
  ['me.respondToInvite', 'me.transferResources', 'me.verifyEmail'],
].flat()

const RESOURCES = [
  ['application', 'applications', 'device', 'devices', 'deviceAttribute', 'deviceAttributes', 'data'],
  ['dataTable', 'dataTables', 'dataTableRow', 'dataTableRows', 'event', 'events', 'file', 'files'],
  ['applicationApiToken', 'applicationApiTokens', 'userApiToken', 'userApiTokens', 'applicationKey', 'applicationKeys'],
  ['privateFile', 'privateFiles', 'applicationJobLog', 'applicationJobLogs', 'notebook', 'notebooks', 'auth', 'me'],
].flat()

const published: PublishedOperation[] = existsSync(PUBLISHED) ? JSON.parse(readFileSync(PUBLISHED, 'utf8')) : []
const skip = published.length === 0 && 'the published operations are not beside this repository'

const nameOf = ({ resource, action }: PublishedOperation) => `${resource}.${action}`
const pathOf = ({ path }: PublishedOperation) => path.replaceAll(/\{(\w+)\}/g, ':$1')
const wanted = published.filter((one) => RESOURCES.includes(one.resource))

test('the routes of the contract are found, and no operation and path is there twice', () => {
  assert.ok(routes.length > 20, `${routes.length} routes`)
  const keys = routes.map(keyOf)
  assert.deepEqual(
    keys.filter((key, index) => keys.indexOf(key) !== index),
    [],
  )
})

test('every published operation is there, but for those known to be missing', { skip }, () => {
  const missing = wanted.map(nameOf).filter((name) => !routes.some(({ operation }) => operation === name))
  assert.deepEqual(missing.toSorted(), MISSING.toSorted())
})

for (const operation of wanted.filter((one) => !MISSING.includes(nameOf(one)))) {
  test(`${nameOf(operation)} is what was published`, () => {
    const ours = routes.filter((route) => route.operation === nameOf(operation))
    const route = ours.find(({ method, path }) => method === operation.method && path === pathOf(operation))
    assert.ok(route, `${operation.method} ${pathOf(operation)} is not among ${ours.map(({ path }) => path)}`)
    const codes = operation.responses.map(({ code }) => code)
    assert.ok(codes.includes(route.status), `answers ${route.status}, published are ${codes}`)
    const queries = operation.params.filter((param) => param.in === 'query').map(({ name }) => name)
    const known = Object.keys(route.query['properties'] ?? {})
    assert.deepEqual(
      queries.filter((name) => !known.includes(name)),
      [],
      'query parameters that are not read',
    )
    const body = operation.params.find((param) => param.in === 'body')
    assert.equal(route.body?.name, body?.name, 'the name of the body')
    assert.deepEqual([...route.scopes].sort(), [...operation.scopes].sort(), 'the scopes that allow it')
  })
}
