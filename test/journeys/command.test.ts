/** The command line beside a running service, and without one: users, invitations, keys rotated and retired. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ApiFailure, createClient, signIn } from '../../client/client.ts'
import { createUserApiToken } from '../../contract/api-tokens.ts'
import { listApplications } from '../../contract/applications.ts'
import { acceptInvitation, listUsers } from '../../contract/users.ts'
import { type Ran, runCommand } from '../support/command.ts'
import { EMAIL, makeDataDir, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { until } from '../support/until.ts'

let folder: Awaited<ReturnType<typeof makeDataDir>>
let service: RunningService

before(async () => {
  folder = await makeDataDir()
  service = await startService({ dataDir: folder.path })
})
after(async () => {
  await service[Symbol.asyncDispose]()
  await folder[Symbol.asyncDispose]()
})

async function fieldbook(line: string, input?: string): Promise<Ran> {
  const ran = await runCommand(folder.path, line.split(' '), input === undefined ? {} : { input })
  assert.equal(ran.code, 0, `fieldbook ${line}\n${ran.out}${ran.err}`)
  return ran
}

const kidOf = (token = '') => JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()).kid

/** Whether a token is let in. */
const works = (token: string | undefined): Promise<boolean> =>
  createClient(service.url, token)
    .call(listApplications)
    .then(
      () => true,
      (error: unknown) => {
        if (error instanceof ApiFailure && error.status === 401) return false
        throw error
      },
    )

test('a user that the command makes signs in, is listed, shut out at once, and let in again', async () => {
  const password = 'a password that ann chose'
  const made = await fieldbook('user add --email ann@example.com --password-stdin', `${password}\n`)
  assert.match(made.out, /^Made the user ann@example\.com \([0-9a-f]{24}\)\.\n$/)
  const { token } = await signIn(service.url, 'ann@example.com', password)
  assert.equal(await works(token), true)
  assert.match((await fieldbook('user list')).out, /^ann@example\.com +active +0 applications +[0-9a-f]{24}$/m)
  const owner = await signIn(service.url, EMAIL, PASSWORD)
  const listed = JSON.parse((await fieldbook('user list --json')).out)
  assert.equal(listed.length, (await owner.call(listUsers)).totalCount)

  await fieldbook('user disable ann@example.com')
  await until(async () => !(await works(token)))
  await assert.rejects(signIn(service.url, 'ann@example.com', password), { status: 401 })
  await fieldbook('user enable ann@example.com')
  assert.equal(await works((await signIn(service.url, 'ann@example.com', password)).token), true)
  assert.equal(await works(token), false)
  assert.ok(!service.output().includes(password))
})

test('an invitation that the command shows is accepted over HTTP; a password is reset the same way', async () => {
  const made = await fieldbook('user add --email bob@example.com --owner')
  const secret = /"secret": "([\w-]+)"/.exec(made.out)?.[1] ?? ''
  const password = 'a password that bob chose'
  const anybody = createClient(service.url)
  const { token } = await anybody.call(acceptInvitation, { body: { secret, password } })
  assert.equal(
    (await createClient(service.url, token).call(listUsers)).items.find(({ email }) => email === 'bob@example.com')
      ?.isOwner,
    true,
  )
  const reset = await fieldbook('user reset-password --email bob@example.com')
  const again = /"secret": "([\w-]+)"/.exec(reset.out)?.[1] ?? ''
  assert.equal(await works(token), true, 'the password of before stays until the new one is chosen')
  await anybody.call(acceptInvitation, { body: { secret: again, password: 'another password' } })
  await until(async () => !(await works(token)))
  await assert.rejects(signIn(service.url, 'bob@example.com', password), { status: 401 })
  for (const text of [secret, again]) assert.ok(!service.output().includes(text))
})

test('keys are rotated under a running service: old tokens go on until their key is retired', async () => {
  const old = await signIn(service.url, EMAIL, PASSWORD)
  const program = await old.call(createUserApiToken, { body: { name: 'a program', scope: ['all.User'] } })
  const rotated = await fieldbook('keys rotate --overlap 1h')
  const kid = /^(\S+) signs from now on/.exec(rotated.out)?.[1]
  assert.ok(kid && kid !== kidOf(old.token))
  assert.equal(await works(old.token), true)
  let fresh = old
  await until(async () => {
    fresh = await signIn(service.url, EMAIL, PASSWORD)
    return kidOf(fresh.token) === kid
  })
  assert.equal(await works(fresh.token), true)
  assert.equal(await works(program.token), true)
  const { keys } = JSON.parse((await fieldbook('keys list --json')).out)
  assert.deepEqual(
    keys.map((key: { kid: string; jwk: object }) => [key.kid, 'd' in key.jwk]),
    [
      [kid, false],
      [kidOf(old.token), false],
    ],
  )

  const refused = await runCommand(folder.path, ['keys', 'retire', kidOf(old.token)])
  assert.equal(refused.code, 1)
  assert.match(refused.err, /^1 API token made while it signed would end/)
  assert.equal(await works(program.token), true)
  await fieldbook(`keys retire ${kidOf(old.token)} --yes`)
  for (const token of [old.token, program.token]) await until(async () => !(await works(token)))
  assert.equal(await works(fresh.token), true)
  const signing = await runCommand(folder.path, ['keys', 'retire', kid])
  assert.match(signing.err, /is the key that signs; rotate first/)
  assert.deepEqual([signing.code, (await fieldbook('keys retire --all')).out], [1, 'No key was replaced.\n'])
})

test('what can not be done is said in a sentence, with 2 for words that make no sense and 1 otherwise', async () => {
  const said = async (line: string, input?: string) => {
    const { code, err } = await runCommand(folder.path, line.split(' '), input === undefined ? {} : { input })
    return [code, err.split('\n')[0]]
  }
  assert.deepEqual(await said('user remove'), [
    2,
    `There is no "fieldbook user remove". There are: ${Object.keys(await names()).join(', ')}.`,
  ])
  assert.deepEqual(await said('user add --email nobody'), [
    2,
    '--email must be an e-mail address, and "nobody" is none.',
  ])
  assert.deepEqual(await said('user add --email x@example.com --password-stdin', 'short\n'), [
    2,
    'The password must have 8 to 2048 characters; it has 5.',
  ])
  assert.deepEqual(await said(`user add --email ${EMAIL}`), [1, `There is a user ${EMAIL} already`])
  assert.deepEqual(await said('user disable nobody@example.com'), [1, 'A user nobody@example.com was not found'])
  assert.deepEqual(await said('keys rotate --overlap soon'), [
    2,
    '--overlap must be a duration such as 12h or 30d, and "soon" is none.',
  ])
  assert.deepEqual(await said('keys retire another'), [1, 'A key another was not found'])
})

/** As the help lists them. */
async function names(): Promise<Record<string, true>> {
  const { out } = await fieldbook('--help')
  return Object.fromEntries([...out.matchAll(/^ {2}(\w+ [\w-]+) /gm)].map(([, name = '']) => [name, true]))
}

test('without a service the command starts the database itself, and the service finds what it did', async () => {
  await service.stop()
  assert.match((await fieldbook('user list')).out, /ann@example\.com/)
  await fieldbook('user add --email eve@example.com --password-stdin', 'a password for eve')
  await fieldbook('keys rotate')
  const given = { env: { FIELDBOOK_TOKEN_KEY: '{}' } }
  assert.match(
    (await runCommand(folder.path, ['keys', 'rotate'], given)).err,
    /^The keys are given by FIELDBOOK_TOKEN_KEY/,
  )
  service = await startService({ dataDir: folder.path })
  const { token } = await signIn(service.url, 'eve@example.com', 'a password for eve')
  const { keys } = JSON.parse((await fieldbook('keys list --json')).out)
  assert.equal(kidOf(token), keys[0].kid)
})
