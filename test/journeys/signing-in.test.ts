/** Signing in and one's own account, through the official client as people and programs do it. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Secret, TOTP } from 'otpauth'
import type { Me } from '../../contract/me.ts'
import { type Official, officialClient, refusal, signInOfficially } from '../support/official.ts'
import { EMAIL, makeDataDir, PASSWORD, type RunningService, startService } from '../support/service.ts'

let folder: Awaited<ReturnType<typeof makeDataDir>>
let service: RunningService
let losant: Official

before(async () => {
  folder = await makeDataDir()
  service = await startService({ dataDir: folder.path })
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
})
after(async () => {
  await service[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

interface Authed {
  readonly userId: string
  readonly token: string
}

const anonymous = () => officialClient(service.url)
const signIn = (credentials: object) => anonymous().call<Authed>('auth.authenticateUser', { credentials })
const withToken = (token: string) => officialClient(service.url, token)
const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
const codeAt = (key: string, at: number) => new TOTP({ secret: Secret.fromBase32(key) }).generate({ timestamp: at })

/** Operations that this version of the client has not. */
async function ask(token: string | undefined, method: string, path: string, body?: object) {
  const reply = await fetch(service.url + path, {
    method,
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  const text = await reply.text()
  return { status: reply.status, headers: reply.headers, body: text ? JSON.parse(text) : undefined }
}

test('a token says what was asked for, for as long as was asked for', async () => {
  const day = claimsOf((await signIn({ email: EMAIL.toUpperCase(), password: PASSWORD })).token)
  assert.equal(day.exp - Math.floor(day.iat), 86_400)
  assert.deepEqual(day.scope, ['all.User'])
  const requestedScopes = ['me.get', 'notebook.*', 'experienceView.get']
  const { token } = await signIn({ email: EMAIL, password: PASSWORD, tokenTTL: 0, requestedScopes, twoFactorCode: '' })
  assert.deepEqual([claimsOf(token).exp, claimsOf(token).scope], [undefined, requestedScopes])
  await withToken(token).call('me.get', {})
  assert.equal((await refusal(withToken(token).call('applications.get', {}))).statusCode, 403)

  const refused = async (credentials: object, message: RegExp) => {
    const { statusCode, message: said } = await refusal(signIn({ email: EMAIL, password: PASSWORD, ...credentials }))
    assert.equal(statusCode, 400)
    assert.match(said, message)
  }
  await refused({ tokenTTL: -1 }, /^credentials\.tokenTTL must be at least 0/)
  await refused({ tokenTTL: 1e12 }, /^credentials\.tokenTTL must be at most 315360000/)
  await refused(
    { requestedScopes: ['notebook.run'] },
    /^credentials\.requestedScopes\.0 is not a scope that .*; allowed are notebook\.\*/,
  )
  await refused({ password: 'short' }, /^credentials\.password must have at least 8 characters, and has 5$/)
  await refused({ password: 'a'.repeat(2049) }, /^credentials\.password must have at most 2048 characters/)
})

test('a refreshed token has the same scope and duration, and is good for sessions only', async () => {
  const { token, userId } = await signIn({ email: EMAIL, password: PASSWORD, tokenTTL: 600, requestedScopes: ['me.*'] })
  const { status, body } = await ask(token, 'GET', '/me/refreshToken')
  assert.deepEqual([status, body.userId], [200, userId])
  const claims = claimsOf(body.token)
  assert.deepEqual([claims.exp - Math.floor(claims.iat), claims.scope], [600, ['me.*']])
  await withToken(body.token).call('me.get', {})
  const narrow = await signIn({ email: EMAIL, password: PASSWORD, requestedScopes: ['all.User.bounded'] })
  assert.equal((await ask(narrow.token, 'GET', '/me/refreshToken')).status, 403)
})

test('the account is told without secrets, with its summary where that is asked for', async () => {
  const me = await losant.call<Me>('me.get', {})
  assert.equal(me.email, EMAIL)
  assert.equal(me.id, me.userId)
  assert.deepEqual([me.twoFactorAuthEnabled, me.ssoLinked, me.needsToVerifyEmail], [false, false, false])
  assert.equal(me.summary, undefined)
  assert.doesNotMatch(JSON.stringify(me), /argon|hash|generation/i)
  const { summary } = await losant.call<Me>('me.get', { summaryInclude: 'appCount', includeRecent: 'true' })
  assert.deepEqual(summary, { appCount: 0 })
  const changed = await losant.call<Me>('me.patch', { user: { firstName: 'Ada', lastName: 'Lovelace', title: '' } })
  assert.equal(changed.fullName, 'Ada Lovelace')
  const unknown = await refusal(losant.call('me.patch', { user: { shoeSize: 40 } }))
  assert.match(unknown.message, /^user\.shoeSize is not a known property/)
  const unproven = await refusal(losant.call('me.patch', { user: { email: 'b@example.com' } }))
  assert.equal(unproven.message, 'user.currentCredentials is required to change email or password')
  const { counts } = await losant.read<{ counts: object[] }>('/me/deviceCounts', {
    start: '2026-01-01',
    end: '2026-01-02',
  })
  assert.equal(counts.length, 2)
})

test('nobody else vouches for users, and says so', async () => {
  assert.deepEqual((await ask(undefined, 'GET', '/auth/ssoDomain?email=a%40example.com')).status, 204)
  assert.equal((await ask(undefined, 'GET', '/auth/ssoDomain')).status, 400)
  const github = await refusal(anonymous().call('auth.authenticateUserGithub', { oauth: { accessToken: 'x' } }))
  assert.deepEqual([github.statusCode, github.message], [404, 'POST /auth/user/github does not exist'])
})

test('a changed password gives a token, ends the other sessions, and is good after a restart', async () => {
  const second = 'пароль и 🔑 второй'
  const old = await signIn({ email: EMAIL, password: PASSWORD, requestedScopes: ['me.*'] })
  const wrong = { password: 'not the password', newPassword: second }
  const refused = await refusal(withToken(old.token).call('me.changePassword', { data: wrong }))
  assert.deepEqual([refused.statusCode, refused.message], [400, 'data.password is not the current password'])
  const kept = await withToken(old.token).call<Authed>('me.changePassword', {
    data: { password: PASSWORD, newPassword: second, tokenTTL: 60, invalidateExistingTokens: true },
  })
  assert.deepEqual(claimsOf(kept.token).scope, ['me.*'])
  assert.equal((await refusal(withToken(old.token).call('me.get', {}))).statusCode, 401)
  assert.equal((await refusal(losant.call('me.get', {}))).statusCode, 401)
  await withToken(kept.token).call('me.get', {})
  await service.stop()
  service = await startService({ dataDir: folder.path })
  await withToken(kept.token).call('me.get', {})
  const back = await signIn({ email: EMAIL, password: second })
  const { token } = await withToken(back.token).call<Authed>('me.changePassword', {
    data: { password: second, newPassword: PASSWORD },
  })
  losant = withToken(token)
})

test('a cut-off ends the sessions before it at once, that of who sets it as well', async () => {
  const { token } = await signIn({ email: EMAIL, password: PASSWORD })
  const client = withToken(token)
  await client.call('me.get', {})
  const me = await client.call<Me>('me.patch', { user: { tokenCutoff: new Date().toISOString() } })
  assert.ok(me.tokenCutoff)
  for (const ended of [client, losant]) assert.equal((await refusal(ended.call('me.get', {}))).statusCode, 401)
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  await losant.call('me.get', {})
})

test('a cut-off ends a session that began before it and was refreshed after it', async () => {
  const { token } = await signIn({ email: EMAIL, password: PASSWORD })
  await new Promise((resolve) => setTimeout(resolve, 5))
  const between = new Date().toISOString()
  await new Promise((resolve) => setTimeout(resolve, 5))
  const { body: once } = await ask(token, 'GET', '/me/refreshToken')
  const { body: twice } = await ask(once.token, 'GET', '/me/refreshToken')
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  await withToken(twice.token).call('me.get', {})
  await losant.call('me.patch', { user: { tokenCutoff: between } })
  for (const ended of [token, once.token, twice.token]) {
    assert.equal((await refusal(withToken(ended).call('me.get', {}))).statusCode, 401)
  }
  await losant.call('me.get', {})
})

test('a second factor is enabled with a code, asked for at the door, and disabled with another', async () => {
  const { token } = await signIn({ email: EMAIL, password: PASSWORD })
  const offered = await ask(token, 'PATCH', '/me/generateTwoFactorAuth', {})
  assert.equal(offered.status, 200)
  const { key, keyUri } = offered.body
  assert.ok(keyUri.startsWith('otpauth://totp/Fieldbook:'))
  const client = withToken(token)
  const now = Date.now()
  const enable = (data: object) =>
    client.call<Me>('me.enableTwoFactorAuth', { data: { twoFactorAuthKey: key, ...data } })
  const wrongCode = await refusal(enable({ password: PASSWORD, twoFactorCode: '000' }))
  assert.match(wrongCode.message, /^data\.twoFactorCode is not a code of the generated key$/)
  assert.equal(
    (await refusal(enable({ password: 'not the password', twoFactorCode: codeAt(key, now) }))).statusCode,
    400,
  )
  // The code of the period before, so that the ones of now and later are left.
  const me = await enable({ password: PASSWORD, twoFactorCode: codeAt(key, now - 30_000) })
  assert.equal(me.twoFactorAuthEnabled, true)

  const missing = await refusal(signIn({ email: EMAIL, password: PASSWORD }))
  assert.deepEqual([missing.statusCode, missing.type], [401, 'TwoFactorRequired'])
  assert.match(missing.message, /twoFactorCode is required/)
  await signIn({ email: EMAIL, password: PASSWORD, twoFactorCode: codeAt(key, now) })
  const again = await refusal(signIn({ email: EMAIL, password: PASSWORD, twoFactorCode: codeAt(key, now) }))
  assert.deepEqual([again.statusCode, again.message], [401, 'twoFactorCode is wrong, or was used before'])

  const data = { password: PASSWORD, twoFactorCode: codeAt(key, now) }
  assert.equal((await refusal(client.call('me.disableTwoFactorAuth', { data }))).statusCode, 400)
  const next = { password: PASSWORD, twoFactorCode: codeAt(key, now + 30_000) }
  assert.equal((await client.call<Me>('me.disableTwoFactorAuth', { data: next })).twoFactorAuthEnabled, false)
  await signIn({ email: EMAIL, password: PASSWORD })
})

test('a user goes by their password, and is not there any more', async () => {
  const email = 'leaving@example.com'
  const { token: owner } = await signIn({ email: EMAIL, password: PASSWORD })
  assert.equal((await ask(owner, 'POST', '/users', { email, password: 'a password to leave with' })).status, 201)
  const credentials = { email, password: 'a password to leave with' }
  const { token } = await signIn(credentials)
  const refused = await refusal(
    withToken(token).call('me.delete', { credentials: { email, password: 'not the password' } }),
  )
  assert.deepEqual([refused.statusCode, refused.message], [400, 'credentials.password is not the current password'])
  await withToken(token).call('me.delete', { credentials })
  assert.equal((await refusal(withToken(token).call('me.get', {}))).statusCode, 401)
  assert.equal((await refusal(signIn(credentials))).message, 'The email or password is wrong')
  const last = await refusal(withToken(owner).call('me.delete', { credentials: { email: EMAIL, password: PASSWORD } }))
  assert.deepEqual([last.statusCode, last.type], [409, 'Conflict'])
})

/** Fails until the address has to wait, and gives how many passwords were looked at before. */
async function failUntilLocked(email: string): Promise<number> {
  for (let looks = 0; looks < 10; looks++) {
    const { statusCode, type } = await refusal(signIn({ email, password: 'not the password' }))
    assert.equal(statusCode, 401)
    if (type === 'AccountLocked') return looks
  }
  throw new Error(`${email} was never locked`)
}

test('who fails too often waits, whoever they say they are, and failures outlive the service', async () => {
  const emails = [EMAIL, 'nobody@example.com']
  for (const email of emails) assert.ok((await failUntilLocked(email)) >= 3)
  await service.crash()
  service = await startService({ dataDir: folder.path })
  for (const email of emails) {
    // The wait of seconds may be over by now, but not what led to it: the next failure brings another.
    assert.ok((await failUntilLocked(email)) <= 1, email)
    const right = await ask(undefined, 'POST', '/auth/user', { email, password: PASSWORD })
    assert.deepEqual([right.status, right.body.type], [401, 'AccountLocked'])
    assert.ok(Number(right.headers.get('retry-after')) >= 1)
  }
})

test('nothing of all this is in the logs', () => {
  assert.doesNotMatch(service.output(), /not the password|a password for tests|otpauth|argon2/)
})
