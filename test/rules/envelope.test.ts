/** `_type`, `_links` and `_actions` around answers, made from the routes of the whole contract, and what is left without them. */

import assert from 'node:assert/strict'
import test from 'node:test'
import type { Route } from '../../contract/route.ts'
import { allows } from '../../server/access/scopes.ts'
import { createEnvelope } from '../../server/http/envelope.ts'
import { routes } from '../support/routes.ts'

const wrap = createEnvelope(routes)
const A = '/applications/a1'
const self = (href: string) => ({ self: { href } })
const NO_ACTIONS = { _actions: 'false' }

function routeOf(operation: string, path = ''): Route {
  const route = routes.find((one) => one.operation === operation && one.path.endsWith(path))
  assert.ok(route, operation)
  return route
}

/** What an answer of an operation becomes; parameters in the order of its path. */
function wrapped(
  route: Route,
  answer: unknown,
  ids: string[],
  query: object = NO_ACTIONS,
  may: (route: Route) => boolean = () => true,
) {
  const names = [...route.path.matchAll(/:(\w+)/g)].map(([, name = '']) => name)
  const params = Object.fromEntries(names.map((name, index) => [name, ids[index] ?? '']))
  return wrap({ route, params, query: { ...query }, may }, answer)
}

const cases: [what: string, operation: string, ids: string[], answer: object, self: string, type: string][] = [
  ['one thing', 'device.get', ['a1', 'd1'], { id: 'd1' }, `${A}/devices/d1`, 'device'],
  ['a thing just made', 'devices.post', ['a1'], { id: 'd1' }, `${A}/devices/d1`, 'device'],
  ['an application just made', 'applications.post', [], { id: 'a1' }, A, 'application'],
  ['one file', 'file.get', ['a1', 'f1'], { id: 'f1' }, `${A}/file/f1`, 'file'],
  ['a file after its upload', 'file.upload', ['a1', 'f1'], { id: 'f1' }, `${A}/file/f1`, 'file'],
  ['a file after its move', 'file.move', ['a1', 'f1'], { id: 'f1' }, `${A}/file/f1`, 'file'],
  ['a file just made', 'files.post', ['a1'], { id: 'f1' }, `${A}/file/f1`, 'file'],
  ['a file told of new content', 'file.patch', ['a1', 'f1'], { id: 'f1' }, `${A}/file/f1`, 'file'],
  ['a private file just made', 'privateFiles.post', ['a1'], { id: 'f1' }, `${A}/privateFiles/f1`, 'privateFile'],
  ['a private file moved', 'privateFile.move', ['a1', 'f1'], { id: 'f1' }, `${A}/privateFiles/f1`, 'privateFile'],
  ['a notebook after its upload', 'notebook.upload', ['a1', 'n1'], { id: 'n1' }, `${A}/notebooks/n1`, 'notebook'],
  ['a table with a new column', 'dataTable.addColumn', ['a1', 't1'], { id: 't1' }, `${A}/data-tables/t1`, 'dataTable'],
  [
    'a table without a column',
    'dataTable.removeColumn',
    ['a1', 't1'],
    { id: 't1' },
    `${A}/data-tables/t1`,
    'dataTable',
  ],
  ['an application with globals', 'application.globals', ['a1'], { id: 'a1' }, A, 'application'],
  [
    'rows that were queried',
    'dataTableRows.query',
    ['a1', 't1'],
    { items: [] },
    `${A}/data-tables/t1/rows`,
    'dataTableRows',
  ],
  [
    'a thing with a name',
    'deviceAttribute.get',
    ['a1', 'd1', 'x'],
    { name: 'x' },
    `${A}/devices/d1/attributes/x`,
    'deviceAttribute',
  ],
  [
    'a thing with a name just made',
    'deviceAttributes.post',
    ['a1', 'd1'],
    { name: 'x' },
    `${A}/devices/d1/attributes/x`,
    'deviceAttribute',
  ],
  ['a token of an application', 'applicationApiTokens.post', ['a1'], { id: 't1' }, `${A}/tokens/t1`, 'apiToken'],
  ['a token of a user', 'userApiTokens.post', [], { id: 't1' }, '/me/tokens/t1', 'apiToken'],
]
for (const [what, operation, ids, answer, href, type] of cases) {
  test(`the envelope of ${what}`, () => {
    assert.deepEqual(wrapped(routeOf(operation), answer, ids), { ...answer, _type: type, _links: self(href) })
  })
}

test('a list and each of its items say where they are, and rows of data tables are left alone', () => {
  const list = (operation: string, ids: string[], items: object[]) =>
    wrapped(routeOf(operation), { items, count: items.length }, ids)
  assert.deepEqual(list('files.get', ['a1'], [{ id: 'f1' }]), {
    items: [{ id: 'f1', _type: 'file', _links: self(`${A}/file/f1`) }],
    count: 1,
    _type: 'files',
    _links: self(`${A}/files`),
  })
  assert.deepEqual(list('deviceAttributes.get', ['a1', 'd1'], [{ name: 'x' }]), {
    items: [{ name: 'x', _type: 'deviceAttribute', _links: self(`${A}/devices/d1/attributes/x`) }],
    count: 1,
    _type: 'deviceAttributes',
    _links: self(`${A}/devices/d1/attributes`),
  })
  assert.deepEqual(list('dataTableRows.get', ['a1', 't1'], [{ id: 'r1', _type: 'mine' }]), {
    items: [{ id: 'r1', _type: 'mine' }],
    count: 1,
    _type: 'dataTableRows',
    _links: self(`${A}/data-tables/t1/rows`),
  })
})

test('whatever is answered as an entity has a place of its own', () => {
  for (const route of routes.filter(({ entity }) => entity !== null)) {
    const answer = wrapped(route, { id: 'own', name: 'own' }, ['1', '2', '3', '4'])
    const { _type, _links } = answer as { _type: string; _links?: { self: { href: string } } }
    assert.equal(_type, route.entity)
    assert.match(_links?.self.href ?? 'none', /^\/[\w/-]+[^/]$/, route.operation)
  }
})

test('plain results are left as they are', () => {
  assert.deepEqual(wrapped(routeOf('notebook.logs', '/logs'), [{ id: 'e1' }], ['a1', 'n1'], {}), [{ id: 'e1' }])
  assert.deepEqual(wrapped(routeOf('device.getState'), [{ data: {} }], ['a1', 'd1'], {}), [{ data: {} }])
  assert.deepEqual(wrapped(routeOf('device.delete'), { success: true }, ['a1', 'd1'], {}), { success: true })
})

test('links and actions are left out when asked, in any of the words for no', () => {
  const has = (query: object) => {
    const answer = Object(wrapped(routeOf('device.get'), { id: 'd1' }, ['a1', 'd1'], query))
    return ['_links', '_actions'].filter((name) => Object.hasOwn(answer, name))
  }
  for (const yes of [undefined, '', 'true', 'TRUE', '1', 'yes']) {
    assert.deepEqual(has({ _links: yes, _actions: yes }), ['_links', '_actions'], String(yes))
  }
  for (const no of ['false', '0', 'no', 'off', ['true', 'true']])
    assert.deepEqual(has({ _links: no, _actions: no }), [], String(no))
  assert.deepEqual(has({ _embedded: 'false' }), ['_links', '_actions'])
})

const NOTEBOOK = routeOf('notebook.get', '/:notebookId')
const actionsFor = (route: Route, answer: object, ids: string[], may?: (route: Route) => boolean) =>
  Object(wrapped(route, answer, ids, {}, may))['_actions']

test('the actions are what the token may ask of the thing, with the paths to do so', () => {
  const N = `${A}/notebooks/n1`
  const all = actionsFor(NOTEBOOK, { id: 'n1' }, ['a1', 'n1'])
  for (const [name, method, href] of [
    ['get', 'GET', N],
    ['patch', 'PATCH', N],
    ['delete', 'DELETE', N],
    ['execute', 'POST', `${N}/execute`],
    ['cancelExecution', 'POST', `${N}/cancelExecution`],
    ['logs', 'GET', `${N}/logs`],
    ['upload', 'POST', `${N}/upload`],
    ['requestInputDataExport', 'POST', `${N}/requestInputDataExport`],
    ['notebookMinuteCounts', 'GET', `${N}/notebookMinuteCounts`],
  ]) {
    assert.deepEqual(all[String(name)], { method, href }, name)
  }
  const reading = actionsFor(NOTEBOOK, { id: 'n1' }, ['a1', 'n1'], ({ scopes }) =>
    allows(['all.Application.read'], scopes),
  )
  assert.deepEqual(Object.keys(reading).toSorted(), ['get', 'logs', 'notebookMinuteCounts', 'requestInputDataExport'])
  assert.deepEqual(actionsFor(routeOf('devices.post'), { id: 'd1' }, ['a1']).sendState, {
    method: 'POST',
    href: `${A}/devices/d1/state`,
  })
  const devices = actionsFor(routeOf('devices.get'), { items: [] }, ['a1'])
  assert.deepEqual(devices.get, { method: 'GET', href: `${A}/devices` })
  assert.deepEqual(devices.delete, { method: 'POST', href: `${A}/devices/delete` })
  assert.ok(!('sendState' in devices))
})

test('each action that is told is a route there is', () => {
  for (const route of routes.filter(({ entity }) => entity !== null)) {
    const { _actions } = wrapped(route, { id: 'own', name: 'own' }, ['1', '2', '3', '4'], {}) as {
      _actions: Record<string, { href: string; method: string }>
    }
    for (const { href, method } of Object.values(_actions)) {
      const found = routes.some(
        (one) => one.method === method && new RegExp(`^${one.path.replaceAll(/:\w+/g, '[^/]+')}$`).test(href),
      )
      assert.ok(found, `${method} ${href}`)
    }
  }
})
