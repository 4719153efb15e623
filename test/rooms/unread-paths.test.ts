/** A path that can not be read: refused before any hook, and counted all the same, for whom it comes from. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { openDoor } from '../support/door.ts'

test('a path that can not be read counts for the client, not for the proxy that it came by', async (t) => {
  const env = { FIELDBOOK_ADDRESS_RATE: '1/1d', FIELDBOOK_TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8' }
  const { app } = await openDoor(t, env)
  const by = (forwarded: string, url = '/%zz', remoteAddress = '127.0.0.1') =>
    app.inject({ url, headers: { 'x-forwarded-for': forwarded }, remoteAddress }).then(({ statusCode }) => statusCode)
  assert.equal(await by('192.0.2.7'), 400)
  assert.equal(await by('192.0.2.8'), 400)
  assert.equal(await by('192.0.2.9, 192.0.2.7, 10.1.1.1', '/nowhere'), 429)
  assert.equal(await by('192.0.2.9, 192.0.2.7, 10.1.1.1'), 429)
  // Past the proxy the header is anybody's.
  assert.equal(await by('192.0.2.10', '/%zz', '198.51.100.1'), 400)
  assert.equal(await by('192.0.2.11', '/nowhere', '198.51.100.1'), 429)
})
