/** What devices may ask for: each operation names the device it is about, or bounds its answer by what a device may see. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DEVICE_SCOPES } from '../../contract/scope-words.ts'
import { nameOf, routes } from '../support/routes.ts'

/** Operations about many devices: their handlers hand on whose sight they are bounded by (access/device-sight.ts). */
const BOUNDED_BY_HANDLERS = [
  'GET /applications/:applicationId/devices',
  'GET /applications/:applicationId/devices/compositeState',
  'POST /applications/:applicationId/data/export',
  'POST /applications/:applicationId/data/last-value-query',
  'POST /applications/:applicationId/data/time-series-query',
]

test('the door looks at the device of the path; what has none is known to be bounded by its handler', () => {
  const open = routes.filter(({ scopes }) => scopes.some((word) => (DEVICE_SCOPES as readonly string[]).includes(word)))
  assert.ok(open.length > 10, `${open.length} operations`)
  const others = open.filter(({ path }) => !path.startsWith('/applications/:applicationId/devices/:deviceId'))
  assert.deepEqual(others.map(nameOf).sort(), BOUNDED_BY_HANDLERS)
})
