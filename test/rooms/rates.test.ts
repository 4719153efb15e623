/** Requests that are too many, at a real door: for a token, for an address, for links, for sign-ins, and for all services of a cluster. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { Secret, TOTP } from 'otpauth'
import { createPasswords } from '../../server/access/passwords.ts'
import { Bucket } from '../../server/access/rates.ts'
import { shareRates } from '../../server/access/shared-rates.ts'
import { enable, offerKey } from '../../server/access/two-factor.ts'
import { createVault } from '../../server/access/vault.ts'
import { createLog } from '../../server/ground/log.ts'
import { createStreams } from '../../server/http/streams.ts'
import { addUser, RIGHT } from '../support/accounts.ts'
import { openDoor, SECRET } from '../support/door.ts'
import { makeApplication } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'
import { connectTo } from '../support/raw-http.ts'
import { until } from '../support/until.ts'

/** Longer than any test. Windows begin at full days, and a test that runs over midnight of UTC would see two. */
const DAY = '/1d'

type Door = Awaited<ReturnType<typeof openDoor>>

async function statuses(times: number, ask: () => Promise<{ status: number }>): Promise<number[]> {
  const seen: number[] = []
  for (let n = 0; n < times; n++) seen.push((await ask()).status)
  return seen
}

const signIn = (
  { app }: Door,
  remoteAddress: string,
  headers: Record<string, string> = {},
  password = 'wrong password',
) =>
  app
    .inject({
      method: 'POST',
      url: '/auth/user',
      remoteAddress,
      headers,
      payload: { email: 'nobody@example.com', password },
    })
    .then(({ statusCode }) => ({ status: statusCode }))

test('a caller has so many requests, told with each answer, and then is told when to come again', async (t) => {
  const { ask, base, db, tokens } = await openDoor(t, { FIELDBOOK_CALLER_RATE: `3${DAY}` })
  const first = await ask('GET', base)
  assert.equal(first.status, 200)
  assert.equal(first.headers['ratelimit-limit'], '3')
  assert.equal(first.headers['ratelimit-remaining'], '2')
  assert.ok(Number(first.headers['ratelimit-reset']) <= 86_400)
  // What is refused counts as well.
  assert.deepEqual(await statuses(2, () => ask('GET', `${base}/devices/${'0'.repeat(24)}`)), [404, 404])
  const refused = await ask('GET', base)
  assert.equal(refused.status, 429)
  const { type, message, limit } = JSON.parse(refused.text)
  assert.equal(type, 'LimitExceeded')
  assert.match(message, /^There were 3 requests with this token, as many as are allowed; try again in \d+ s$/)
  assert.deepEqual([limit.name, limit.of, limit.allowed, limit.used], ['callerRequests', 'installation', 3, 3])
  assert.equal(refused.headers['retry-after'], refused.headers['ratelimit-reset'])
  assert.equal(refused.headers['ratelimit-remaining'], '0')
  // Another token of the same user is the same caller; another user is not.
  const other = await makeApplication(db)
  const token = await tokens.sign({ kind: 'user', userId: other.ownerId, scope: ['all.User'] }, 0)
  const theirs = await ask('GET', `/applications/${other.id}`, undefined, { authorization: `Bearer ${token}` })
  assert.deepEqual([theirs.status, theirs.headers['ratelimit-remaining']], [200, '2'])
})

test('an address has so many requests, whatever tokens it makes up', async (t) => {
  const door = await openDoor(t, { FIELDBOOK_ADDRESS_RATE: `5${DAY}` })
  let made = 0
  const ask = () => door.ask('GET', door.base, undefined, { authorization: `Bearer ${made++}` })
  assert.deepEqual(await statuses(6, ask), [401, 401, 401, 401, 401, 429])
  assert.match((await door.ask('GET', '/nothing')).text, /5 requests from this address/)
  // The service can still be looked after, and files be read.
  assert.equal((await door.ask('GET', '/healthz')).status, 200)
  assert.equal((await door.ask('GET', '/blobs/a/b')).status, 403)
})

test('preflights count, and so does what is refused for its path or its head; each answer says so', async (t) => {
  const one: [string, object][] = [
    ['a preflight', { method: 'OPTIONS', url: '/applications', headers: { origin: 'https://a.example' } }],
    ['OPTIONS of nothing', { method: 'OPTIONS', url: '/nowhere' }],
    ['a path that can not be read', { url: '/%zz' }],
    ['a part of a path that is too long', { url: `/applications/${'a'.repeat(3000)}` }],
    ['too long a URL', { url: `/applications?a=${'a'.repeat(17_000)}` }],
    ['too many parameters', { url: `/applications?${'a&'.repeat(300)}` }],
    ['another version', { url: '/applications', headers: { 'accept-version': '^9.0.0' } }],
  ]
  for (const [what, request] of one) {
    const { app } = await openDoor(t, { FIELDBOOK_ADDRESS_RATE: `2${DAY}` })
    const told = []
    for (let n = 0; n < 3; n++) {
      const { statusCode, headers } = await app.inject(request)
      told.push([statusCode === 429, headers['ratelimit-remaining']])
      assert.match(String(headers['x-request-id']), /^[0-9a-f]{24}$/, what)
    }
    const expected = [
      [false, '1'],
      [false, '0'],
      [true, '0'],
    ]
    assert.deepEqual(told, expected, what)
  }
})

test('files, links and the health have counts of their own', async (t) => {
  const door = await openDoor(t, { FIELDBOOK_LINK_RATE: `2${DAY}` })
  assert.deepEqual(await statuses(3, () => door.ask('GET', '/blobs/a/b')), [403, 403, 429])
  assert.deepEqual(await statuses(1, () => door.ask('GET', `/files/${'0'.repeat(24)}/a`)), [429])
  assert.deepEqual(await statuses(3, () => door.ask('GET', '/healthz')), [200, 200, 429])
  assert.equal((await door.ask('GET', door.base)).status, 200)
})

test('what a client writes of its address counts for nothing, unless a proxy is trusted to have checked it', async (t) => {
  const rate = { FIELDBOOK_SIGN_IN_RATE: `2${DAY}` }
  const forged = await openDoor(t, rate)
  let made = 0
  const forge = (door: Door, address: string) =>
    signIn(door, address, {
      'x-forwarded-for': `192.0.2.${made++}`,
      forwarded: 'for=192.0.2.1',
      'x-real-ip': '192.0.2.1',
    })
  assert.deepEqual(await statuses(3, () => forge(forged, '198.51.100.1')), [401, 401, 429])

  const proxied = await openDoor(t, { ...rate, FIELDBOOK_TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8' })
  // By the proxy, two clients; what a client wrote before the proxy's own word is not looked at.
  const by = (forwarded: string) => () => signIn(proxied, '127.0.0.1', { 'x-forwarded-for': forwarded })
  assert.deepEqual(await statuses(3, by('192.0.2.7')), [401, 401, 429])
  assert.deepEqual(await statuses(1, by('192.0.2.8')), [401])
  assert.deepEqual(await statuses(1, by('192.0.2.9, 192.0.2.7, 10.1.1.1')), [429])
  // Past the proxy the header is anybody's again.
  assert.deepEqual(await statuses(3, () => forge(proxied, '198.51.100.1')), [401, 401, 429])
})

test('of IPv6 a whole network of 64 bits is one address', async (t) => {
  const door = await openDoor(t, { FIELDBOOK_SIGN_IN_RATE: `2${DAY}` })
  let made = 1
  const ask = () => signIn(door, `2001:db8::${made++}`)
  assert.deepEqual(await statuses(3, ask), [401, 401, 429])
  assert.equal((await signIn(door, '2001:db8:0:1::1')).status, 401)
})

test('sign-ins count where they fail, also when many come at once; what was refused before pays for none', async (t) => {
  const door = await openDoor(t, { FIELDBOOK_SIGN_IN_RATE: `4${DAY}` })
  const together = await Promise.all(Array.from({ length: 8 }, () => signIn(door, '192.0.2.1')))
  assert.deepEqual(together.map(({ status }) => status).toSorted(), [401, 401, 401, 401, 429, 429, 429, 429])
  // A request that is refused for its form is no attempt, and gives nothing back either.
  const malformed = () =>
    door.app
      .inject({ method: 'POST', url: `/auth/user?${'a&'.repeat(300)}`, remoteAddress: '192.0.2.1', payload: {} })
      .then(({ statusCode }) => ({ status: statusCode }))
  assert.deepEqual(await statuses(3, malformed), [400, 400, 400])
  assert.equal((await signIn(door, '192.0.2.1')).status, 429)
  const empty = () =>
    door.app
      .inject({ method: 'POST', url: '/auth/user', remoteAddress: '192.0.2.2', payload: {} })
      .then(({ statusCode }) => ({ status: statusCode }))
  assert.deepEqual(await statuses(6, empty), [400, 400, 400, 400, 400, 400])
  assert.equal((await signIn(door, '192.0.2.2')).status, 401)
})

test('a device that goes on failing keeps nobody else behind its address from signing in', async (t) => {
  const door = await openDoor(t, { FIELDBOOK_SIGN_IN_RATE: `2${DAY}` })
  const device = () =>
    door.app
      .inject({
        method: 'POST',
        url: '/auth/device',
        remoteAddress: '192.0.2.1',
        payload: { deviceId: '0'.repeat(24), key: 'old', secret: 'old' },
      })
      .then(({ statusCode }) => ({ status: statusCode }))
  // Ten times, and then it waits, for itself.
  assert.deepEqual(await statuses(12, device), [...Array(10).fill(401), 429, 429])
  assert.deepEqual(await statuses(3, () => signIn(door, '192.0.2.1')), [401, 401, 429])
})

test('who has to wait, or is asked for a code, guesses nothing and pays for nobody; a wrong code is a guess', async (t) => {
  const door = await openDoor(t, { FIELDBOOK_SIGN_IN_RATE: `6${DAY}` })
  const { app, db } = door
  const ask = async (remoteAddress: string, payload: object) => {
    const reply = await app.inject({ method: 'POST', url: '/auth/user', remoteAddress, payload })
    return reply.json().type
  }
  const guess = { email: 'somebody@example.com', password: 'wrong password' }
  for (let n = 0; n < 5; n++) assert.equal(await ask('192.0.2.1', guess), 'Unauthorized')
  await db.query(`update sign_in_attempts set locked_until = now() + interval '1 hour'`)
  for (let n = 0; n < 8; n++) assert.equal(await ask('192.0.2.1', guess), 'AccountLocked')
  assert.deepEqual(await statuses(2, () => signIn(door, '192.0.2.1')), [401, 429])

  const email = 'ada@example.com'
  const userId = await addUser(db, email)
  const parts = { db, passwords: createPasswords(), vault: createVault(SECRET) }
  const { key } = await offerKey(parts, userId, new Date())
  await enable(
    parts,
    userId,
    { code: new TOTP({ secret: Secret.fromBase32(key) }).generate(), key },
    new Date(),
    'data',
  )
  for (let n = 0; n < 8; n++) assert.equal(await ask('192.0.2.2', { email, password: RIGHT }), 'TwoFactorRequired')
  for (let n = 0; n < 6; n++) {
    await db.query('delete from sign_in_attempts')
    assert.equal(await ask('192.0.2.2', { email, password: RIGHT, twoFactorCode: 'wrong' }), 'Unauthorized')
  }
  assert.equal(await ask('192.0.2.2', { email, password: RIGHT }), 'LimitExceeded')
})

test('rates that are off count nothing and say nothing', async (t) => {
  const off = { FIELDBOOK_CALLER_RATE: 'off', FIELDBOOK_ADDRESS_RATE: 'off', FIELDBOOK_LINK_RATE: 'off' }
  const { ask, base } = await openDoor(t, off)
  const { status, headers } = await ask('GET', base)
  assert.equal(status, 200)
  assert.deepEqual(
    Object.keys(headers).filter((name) => name.startsWith('ratelimit')),
    [],
  )
})

test('services that share a database count together, each in its own memory', async (t) => {
  const db = await openTestDatabase(t)
  const log = createLog('silent')
  const open = () => {
    const bucket = new Bucket('caller', { limit: 6, windowMs: 86_400_000 })
    const shared = shareRates(db, [bucket, new Bucket('address', { limit: 1, windowMs: 1000 })], log)
    t.after(() => shared[Symbol.asyncDispose]())
    return { hit: (key: string) => bucket.hit(key, Date.now()), share: shared.share }
  }
  const [one, two] = [open(), open()]
  for (let n = 0; n < 4; n++) one.hit('a')
  two.hit('a')
  await one.share()
  await two.share()
  assert.equal(two.hit('a').remaining, 0)
  await two.share()
  assert.equal(two.hit('a').isOver, true)
  // The first learns of it with the next of its own, which is the one that may be too many.
  one.hit('a')
  await one.share()
  assert.equal(one.hit('a').isOver, true)
  assert.equal(one.hit('b').remaining, 5)
})

test('services that count together go on alone while the database is away', async () => {
  const away = { query: () => Promise.reject(new Error('away')), one: () => Promise.reject(new Error('away')) }
  const bucket = new Bucket('caller', { limit: 2, windowMs: 86_400_000 })
  await using shared = shareRates(away, [bucket], createLog('silent'))
  for (let n = 0; n < 2; n++) {
    assert.equal(bucket.hit('a', Date.now()).isOver, false)
    await shared.share()
  }
  assert.equal(bucket.hit('a', Date.now()).isOver, true)
})

test('a door that counts with others writes what it counted into the table', async (t) => {
  const { ask, base, db } = await openDoor(t, { FIELDBOOK_RATE_STORE: 'postgres' })
  await ask('GET', base)
  await until(async () => {
    const rows = await db.query<{ bucket: string; hits: number }>(
      'select bucket, hits from request_counts order by bucket',
    )
    return JSON.stringify(rows) === '[{"bucket":"address","hits":1},{"bucket":"caller","hits":1}]'
  })
})

test('a caller has so many streams, and gets another when one is closed', { timeout: 60_000 }, async (t) => {
  const { app } = await openDoor(t)
  const streams = createStreams(2)
  app.get('/streams/:who', async (request, reply) => {
    const params: unknown = request.params
    const who = typeof params === 'object' && params !== null && 'who' in params ? String(params.who) : ''
    streams.enter(who, reply)
    reply.raw.write('open')
    return reply.hijack()
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const open = async (who: string) => {
    const socket = connectTo(url)
    socket.write(`GET /streams/${who} HTTP/1.1\r\nHost: x\r\n\r\n`)
    const [said] = await new Promise<[Buffer]>((resolve) => socket.once('data', (chunk) => resolve([chunk])))
    return { socket, isOpen: String(said).startsWith('HTTP/1.1 200') }
  }
  const [first, second, third, other] = [await open('a'), await open('a'), await open('a'), await open('b')]
  assert.deepEqual([first.isOpen, second.isOpen, third.isOpen, other.isOpen], [true, true, false, true])
  first.socket.destroy()
  await until(async () => (await open('a')).isOpen)
  app.server.closeAllConnections()
})
