/** Which operations are written down: all that change something or tell a secret, and those of programs by the minute. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { treatmentOf } from '../../server/http/deeds.ts'
import { routes } from '../support/routes.ts'

const named = (treatment: string, kind: 'user' | 'device' = 'user') =>
  routes
    .filter((route) => treatmentOf(route, kind) === treatment)
    .map(({ method, operation }) => `${method} ${operation}`)

test('what changes nothing is not written down, whatever its method', () => {
  const silent = named('none').filter((name) => !name.startsWith('GET '))
  assert.deepEqual(silent.toSorted(), [
    'POST data.lastValueQuery',
    'POST data.timeSeriesQuery',
    'POST dataTableRows.query',
  ])
})

test('of what is only read, secrets are written down', () => {
  const told = named('each').filter((name) => name.startsWith('GET '))
  assert.ok(told.includes('GET callbackSecret.get'))
  assert.deepEqual(
    told.filter((name) => !/secret|token|key/i.test(name)),
    [],
  )
})

test('what programs do all the time is counted, and what devices report is its own record', () => {
  const counted = named('counted')
  for (const name of ['POST device.sendState', 'POST device.setConnectionStatus', 'POST dataTableRows.post']) {
    assert.ok(counted.includes(name), name)
  }
  assert.ok(counted.includes('POST auth.authenticateUser'))
  const ofDevices = named('none', 'device').filter((name) => !named('none').includes(name))
  assert.deepEqual(ofDevices.toSorted(), ['POST device.sendState', 'POST device.setConnectionStatus'])
})
