/** The keys of tokens on the disk and in running services: rotated, retired, given, cut off half-way, closed to others. */

import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { promises } from 'node:fs'
import { chmod, mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { changeRing, publishRing, readRing, stageRing } from '../../server/access/key-files.ts'
import { openKeyFolder } from '../../server/access/key-folder.ts'
import { type KeyRing, makeKey, retired, rotated } from '../../server/access/key-ring.ts'
import { openTokens, type Tokens } from '../../server/access/tokens.ts'
import { makeFolder } from '../support/make.ts'
import { until } from '../support/until.ts'

const SESSION = { kind: 'user', userId: 'u1', generation: 0, scope: ['all.User'] } as const
const PROGRAM = { kind: 'user', userId: 'u1', tokenId: 't1', scope: ['all.User'] } as const
const INVALID = { kind: 'unauthenticated', message: 'Invalid access token' }

/** The caller of a token, without when it began. */
async function told(tokens: Tokens, token: string) {
  const caller = await tokens.verify(token)
  assert.ok(caller.kind === 'user')
  const { session: _, ...rest } = caller
  return rest
}

const keysFolder = async (t: TestContext) => join(await makeFolder(t), 'keys')

const rotate = (folder: string, overlapMs = 3_600_000) =>
  changeRing(folder, async (ring) => rotated(ring ?? { keys: [] }, await makeKey(new Date()), new Date(), overlapMs))

const retire = (folder: string, kid: string) => changeRing(folder, (ring) => retired(ring ?? { keys: [] }, kid))

const headerOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())

/** A service looks at the keys once a second, whenever it is asked. */
const untilSignedBy = (tokens: Tokens, kid: string | undefined) =>
  until(async () => headerOf(await tokens.sign(SESSION, 60)).kid === kid)

const isRefused = (tokens: Tokens, token: string) =>
  tokens.verify(token).then(
    () => false,
    () => true,
  )

test('a running service signs with the new key, and knows what was signed by the old one until it is retired', async (t) => {
  const folder = await keysFolder(t)
  const [one, another] = [await openTokens(folder), await openTokens(folder)]
  const old = await one.sign(SESSION, 0)
  const { ring } = await rotate(folder)
  const [signing, replaced] = ring.keys
  assert.equal(headerOf(old).kid, replaced?.kid)
  // Another service has the new key at once; the one that does not know it yet looks for it.
  const made = await (await openTokens(folder)).sign(SESSION, 0)
  assert.equal(headerOf(made).kid, signing?.kid)
  assert.deepEqual(await told(another, made), SESSION)
  await untilSignedBy(one, signing?.kid)
  for (const tokens of [one, another]) assert.deepEqual(await told(tokens, old), SESSION)

  await retire(folder, replaced?.kid ?? '')
  // What is remembered of a signature does not outlive its key.
  for (const tokens of [one, another]) await until(() => isRefused(tokens, old))
  await assert.rejects(one.verify(old), INVALID)
  assert.deepEqual(await told(one, made), SESSION)
})

test('sessions end with the overlap of their key, also remembered ones; tokens of programs stay', async (t) => {
  const folder = await keysFolder(t)
  const tokens = await openTokens(folder)
  const [session, program] = [await tokens.sign(SESSION, 0), await tokens.sign(PROGRAM, 0)]
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  const start = Date.now()
  const { ring } = await rotate(folder, 60_000)
  await untilSignedBy(tokens, ring.keys[0]?.kid)
  assert.deepEqual(await told(tokens, session), SESSION)
  assert.deepEqual(await told(tokens, program), PROGRAM)
  t.mock.timers.setTime(start + 60_000)
  await assert.rejects(tokens.verify(session), { kind: 'unauthenticated', message: 'Access token has expired' })
  assert.deepEqual(await told(tokens, program), PROGRAM)
})

test('forged keys do not make it read the disk for each request', async (t) => {
  const folder = await keysFolder(t)
  const tokens = await openTokens(folder)
  const [, payload, signature] = (await tokens.sign(SESSION, 0)).split('.')
  const counted = t.mock.method(promises, 'readdir')
  syncBuiltinESMExports()
  t.after(() => {
    counted.mock.restore()
    syncBuiltinESMExports()
  })
  const forge = (kid: string) =>
    `${Buffer.from(JSON.stringify({ alg: 'EdDSA', kid })).toString('base64url')}.${payload}.${signature}`
  await Promise.all(
    Array.from({ length: 200 }, (_, index) => assert.rejects(tokens.verify(forge(`forged ${index}`)), INVALID)),
  )
  const readings = counted.mock.callCount()
  assert.ok(readings >= 1 && readings <= 4, `${readings} readings`)
})

test('rotations at once lose no key, and all readers agree', async (t) => {
  const folder = await keysFolder(t)
  await openTokens(folder)
  const rings = await Promise.all(Array.from({ length: 8 }, () => rotate(folder)))
  const { ring, version } = (await readRing(folder)) ?? {}
  assert.equal(version, 9)
  assert.equal(ring?.keys.length, 9)
  const made = rings.map(({ ring: { keys } }) => keys[0]?.kid)
  assert.equal(new Set(made).size, 8)
  for (const kid of made)
    assert.ok(
      ring?.keys.some((key) => key.kid === kid),
      `${kid} was lost`,
    )
  assert.equal(ring?.keys.filter(({ jwk }) => jwk.d).length, 1, 'one of them signs')
  assert.deepEqual(await readdir(folder), ['token-keys.9.json'])
})

test('services that start together on an empty folder agree on one key', async (t) => {
  const folder = await keysFolder(t)
  const services = await Promise.all(Array.from({ length: 6 }, () => openTokens(folder)))
  const signed = await Promise.all(services.map((tokens) => tokens.sign(SESSION, 0)))
  assert.equal(new Set(signed.map((token) => headerOf(token).kid)).size, 1)
  for (const tokens of services) for (const token of signed) assert.deepEqual(await told(tokens, token), SESSION)
})

test('a change that is cut off after any step leaves a whole ring, and the next one sweeps up', async (t) => {
  const folder = await keysFolder(t)
  const tokens = await openTokens(folder)
  const before = await readRing(folder)
  const next: KeyRing = rotated(before?.ring ?? { keys: [] }, await makeKey(new Date()), new Date(), 1000)
  // Killed with the text written and not in place: the old ring holds.
  const staged = await stageRing(folder, next)
  assert.deepEqual(await readRing(folder), before)
  const token = await tokens.sign(SESSION, 0)
  // Killed with it in place and nothing swept: the new one holds, whatever lies beside it.
  assert.equal(await publishRing(folder, staged, 2), true)
  assert.deepEqual((await readRing(folder))?.ring, next)
  assert.deepEqual(await told(tokens, token), SESSION)
  assert.equal((await readdir(folder)).length, 3)
  const long = new Date(Date.now() - 3_600_000)
  await utimes(staged, long, long)
  const again = await openTokens(folder)
  assert.deepEqual(await readdir(folder), ['token-keys.2.json'])
  assert.deepEqual(await told(again, token), SESSION)
})

test('a writer that was overtaken does not put an old number back in place', async (t) => {
  const folder = await keysFolder(t)
  await openTokens(folder)
  const staged = await stageRing(folder, { keys: [await makeKey(new Date())] })
  await rotate(folder)
  const held = await rotate(folder)
  // Number 2 was there and has been swept away since this writer looked.
  assert.equal(await publishRing(folder, staged, 2), false)
  assert.equal(await publishRing(folder, staged, 3), false)
  assert.deepEqual(await readRing(folder), held)
})

test('the key of an earlier version goes on, and its tokens without a name with it', async (t) => {
  const folder = await keysFolder(t)
  await mkdir(folder)
  const former = { ...generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }) }
  await writeFile(join(folder, 'token-key.json'), JSON.stringify(former))
  const { SignJWT, importJWK } = await import('jose')
  const sign = new SignJWT({ sub: 'u1', scope: ['all.User'] })
    .setProtectedHeader({ alg: 'EdDSA' })
    .setIssuer('fieldbook')
  const token = await sign.sign(await importJWK(former, 'EdDSA'))
  const tokens = await openTokens(folder)
  assert.deepEqual(await told(tokens, token), SESSION)
  assert.deepEqual(await readdir(folder), ['token-keys.1.json'])
  const { ring } = await rotate(folder)
  await untilSignedBy(tokens, ring.keys[0]?.kid)
  assert.deepEqual(await told(tokens, token), SESSION)
  await retire(folder, ring.keys[1]?.kid ?? '')
  await until(() => isRefused(tokens, token))
})

test('what others can read is closed before it is used, and told', async (t) => {
  const folder = await keysFolder(t)
  await openTokens(folder)
  await chmod(folder, 0o755)
  await chmod(join(folder, 'token-keys.1.json'), 0o644)
  const warned: string[] = []
  await openTokens(folder, { warn: (_, { path, mode }) => warned.push(`${path} ${mode}`) })
  assert.deepEqual(warned, [`${folder} 755`, `${join(folder, 'token-keys.1.json')} 644`])
  assert.equal((await stat(folder)).mode & 0o777, 0o700)
  assert.equal((await stat(join(folder, 'token-keys.1.json'))).mode & 0o777, 0o600)
  await openKeyFolder(folder, () => assert.fail('it is closed'))
})

test('a damaged ring is no reason to make new keys, and shows nothing of itself', async (t) => {
  const folder = await keysFolder(t)
  await openTokens(folder)
  const path = join(folder, 'token-keys.1.json')
  for (const text of ['', '{"keys":[]}', (await readFile(path, 'utf8')).slice(0, -9)]) {
    await writeFile(path, text)
    await assert.rejects(openTokens(folder), ({ message }: Error) => {
      assert.match(message, /token-keys\.1\.json is damaged\. Restore it, or remove it/)
      assert.ok(!message.includes('"d"'))
      return true
    })
  }
})

const pem = () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  return {
    pkcs8: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    spki: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
    jwk: privateKey.export({ format: 'jwk' }),
  }
}

test('given keys sign and verify in their order, as JWKs or PKCS8, and none is made', async (t) => {
  const folder = await keysFolder(t)
  const [one, two] = [pem(), pem()]
  const open = (text: string) => openTokens(folder, { given: { text } })
  const token = await (await open(one.pkcs8)).sign(SESSION, 0)
  const overlaps = [
    two.pkcs8 + one.pkcs8,
    two.pkcs8 + one.spki,
    JSON.stringify([two.jwk, one.jwk]),
    JSON.stringify({ keys: [two.jwk, { ...one.jwk, d: undefined }] }),
  ]
  const kids = new Set<string>()
  for (const text of overlaps) {
    const tokens = await open(text)
    assert.deepEqual(await told(tokens, token), SESSION)
    kids.add(headerOf(await tokens.sign(SESSION, 0)).kid)
  }
  assert.equal(kids.size, 1)
  await assert.rejects((await open(two.pkcs8)).verify(token), INVALID)
  await assert.rejects(readdir(folder), { code: 'ENOENT' })
})

test('what is no Ed25519 key is refused by name, and no part of it is told', async (t) => {
  const folder = await keysFolder(t)
  const { spki, jwk } = pem()
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const x25519 = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' })
  const wrong = [
    spki,
    rsa.export({ format: 'pem', type: 'pkcs8' }).toString(),
    JSON.stringify(rsa.export({ format: 'jwk' })),
    JSON.stringify(x25519),
    JSON.stringify({ ...jwk, d: undefined }),
    JSON.stringify([jwk, jwk]),
    JSON.stringify([jwk]).slice(0, -4),
    '[]',
    '{}',
    '-----BEGIN PRIVATE KEY-----',
  ]
  for (const text of wrong) {
    await assert.rejects(openTokens(folder, { given: { text } }), ({ message }: Error) => {
      assert.match(message, /^FIELDBOOK_TOKEN_KEY can't be used: expected Ed25519 keys/)
      return true
    })
  }
})

test('a file of keys is read again when it changes, and not taken when others may write to it', async (t) => {
  const folder = await keysFolder(t)
  const file = join(await makeFolder(t), 'token-key')
  const [one, two] = [pem(), pem()]
  await writeFile(file, one.pkcs8)
  const tokens = await openTokens(folder, { given: { file } })
  const token = await tokens.sign(SESSION, 0)
  const { kid } = headerOf(token)
  await writeFile(file, two.pkcs8 + one.spki)
  await until(async () => headerOf(await tokens.sign(SESSION, 0)).kid !== kid)
  assert.deepEqual(await told(tokens, token), SESSION)
  // Half a file, for example: those that were good stay.
  await writeFile(file, 'nothing')
  assert.deepEqual(await told(tokens, token), SESSION)
  await writeFile(file, two.pkcs8)
  await until(() => isRefused(tokens, token))
  await chmod(file, 0o666)
  await assert.rejects(openTokens(folder, { given: { file } }), { message: /can be written to by others/ })
})
