/** What a token's scope allows. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { allows, DEFAULT_SCOPE } from '../../server/access/scopes.ts'

const cases: [string[], string, boolean, boolean][] = [
  [DEFAULT_SCOPE, 'notebook.execute', false, true],
  [['all.Application'], 'devices.post', false, true],
  [['all.Organization.bounded'], 'devices.post', false, true],
  [['all.User.read'], 'notebook.get', true, true],
  [['all.User.read'], 'notebook.execute', false, false],
  [['all.User.read'], 'notebook.requestInputDataExport', false, true],
  [['all.Application.read'], 'data.timeSeriesQuery', false, true],
  [['all.Application.read'], 'devices.removeData', false, false],
  [['notebook.get'], 'notebook.get', true, true],
  [['notebook.get'], 'notebook.patch', false, false],
  [['notebook.get'], 'notebooks.get', true, false],
  [['notebook.*'], 'notebook.patch', false, true],
  [['notebook.*'], 'notebooks.post', false, false],
  [['notebook.execute'], 'notebook.cancelExecution', false, true],
  [['notebook.cancelExecution'], 'notebook.cancelExecution', false, false],
  [['all.Application.read'], 'deliveries.get', true, true],
  [['all.Application.read'], 'callbackSecret.get', true, false],
  [['all.Application'], 'callbackSecret.get', true, true],
  [['all.Device'], 'device.get', true, false],
  [['*'], 'device.get', true, false],
  [['all.*'], 'device.get', true, false],
  [[], 'device.get', true, false],
  [['device.get', 'all.User.read'], 'notebook.logs', true, true],
]
test('a scope allows its own action, its resource, or all of a kind, and nothing beside', () => {
  for (const [scope, operation, reads, expected] of cases) {
    assert.equal(allows(scope, operation, reads), expected, `${scope.join(' ')} for ${operation}`)
  }
})
