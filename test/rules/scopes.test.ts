/** Which scopes allow an operation, and what a token's scope allows. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { type Grants, scopesOf } from '../../contract/scopes.ts'
import { allows, DEFAULT_SCOPE } from '../../server/access/scopes.ts'

const of = (operation: string, method = 'POST', grants: Grants = {}, path = '/applications/:applicationId/things') =>
  scopesOf({ operation, method, path, grants })

test('the scopes of an operation follow from its method and path, and from what it says', () => {
  const everybody = (...ends: string[]) =>
    ['all.Application', 'all.Organization', 'all.User'].flatMap((kind) => ['', ...ends].map((end) => kind + end))
  assert.deepEqual(of('things.post'), [...everybody('.bounded'), 'things.*', 'things.post'])
  assert.deepEqual(of('thing.get', 'GET'), [...everybody('.bounded', '.read'), 'thing.*', 'thing.get'])
  assert.deepEqual(of('tokens.post', 'POST', { bounded: false }), [...everybody(), 'tokens.*', 'tokens.post'])
  const whole = ['all.Application', 'all.Organization', 'all.User']
  assert.deepEqual(of('members.post', 'POST', { whole: true }), whole)
  assert.deepEqual(of('users.get', 'GET', { whole: true }, '/users'), ['all.User', 'all.User.read'])
  const device = of('device.get', 'GET', { device: true }).filter((word) => word.startsWith('all.Device'))
  assert.deepEqual(device, ['all.Device', 'all.Device.read'])
  assert.deepEqual(
    of('file.get', 'GET', { cli: true }).filter((word) => word.endsWith('.cli')),
    ['all.Application.cli', 'all.User.cli'],
  )
  const mine = ['all.User', 'all.User.bounded', 'all.User.read', 'only.User', 'only.User.bounded', 'only.User.read']
  assert.deepEqual(of('me.get', 'GET', {}, '/me'), [...mine, 'me.*', 'me.get'])
})

const cases: [scope: string[], scopes: readonly string[], expected: boolean][] = [
  [DEFAULT_SCOPE, of('notebook.execute'), true],
  [['all.Application'], of('devices.post'), true],
  [['all.Organization.bounded'], of('devices.post'), true],
  [['all.User.read'], of('notebook.get', 'GET'), true],
  [['all.User.read'], of('notebook.execute'), false],
  [['all.Application.read'], of('data.timeSeriesQuery', 'POST', { reads: true }), true],
  [['notebook.get'], of('notebook.patch', 'PATCH'), false],
  [['notebook.get'], of('notebooks.get', 'GET'), false],
  [['notebook.*'], of('notebook.patch', 'PATCH'), true],
  [['notebook.*'], of('notebooks.post'), false],
  [['notebook.execute'], of('notebook.cancelExecution', 'POST', { action: 'notebook.execute' }), true],
  [['notebook.cancelExecution'], of('notebook.cancelExecution', 'POST', { action: 'notebook.execute' }), false],
  [['all.Application.read'], of('callbackSecret.get', 'GET', { reads: false }), false],
  [['all.Device'], of('notebook.get', 'GET'), false],
  [['*'], of('device.get', 'GET'), false],
  [['all.*'], of('device.get', 'GET'), false],
  [[], of('device.get', 'GET'), false],
  [['device.get', 'all.User.read'], of('notebook.logs', 'GET'), true],
]

test('a scope allows its own action, its resource, or all of a kind, and nothing beside', () => {
  for (const [scope, scopes, expected] of cases) {
    assert.equal(allows(scope, scopes), expected, `${scope.join(' ')} for ${scopes.at(-1)}`)
  }
})
