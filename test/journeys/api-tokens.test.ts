/** Tokens for programs, through the official client: made, used, listed, revoked; and what each of them reaches. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ApiToken } from '../../contract/api-tokens.ts'
import type { Application } from '../../contract/applications.ts'
import type { ExecutionLog } from '../../contract/executions.ts'
import { type Official, officialClient, refusal, signInOfficially } from '../support/official.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { makeApplication, makeNotebook, runToEnd } from '../support/steps.ts'

let service: RunningService
let losant: Official

before(async () => {
  service = await startService()
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
})
after(() => service[Symbol.asyncDispose]())

const make = (applicationId: string, apiToken: object = {}, by = losant) =>
  by.call<ApiToken>('applicationApiTokens.post', { applicationId, apiToken: { name: 'a program', ...apiToken } })
const makeMine = (apiToken: object = {}, by = losant) =>
  by.call<ApiToken>('userApiTokens.post', { apiToken: { name: 'my program', ...apiToken } })
const clientOf = ({ token = '' }: ApiToken) => officialClient(service.url, token)

interface List {
  readonly items: ApiToken[]
  readonly totalCount: number
  readonly ownerId: string
  readonly ownerType: string
}

test('the token of an application works in it, and sees nothing of any other', async () => {
  const { id: applicationId, ownerId } = await makeApplication(losant)
  const foreign = await makeApplication(losant)
  const made = await make(applicationId)
  assert.deepEqual(
    [made.ownerType, made.ownerId, made.creatorType, made.creatorId, made.creatorName, made.scope, made.status],
    ['application', applicationId, 'user', ownerId, EMAIL, ['all.Application'], 'active'],
  )
  const program = clientOf(made)
  assert.equal((await program.call<Application>('application.get', { applicationId })).id, applicationId)
  const notebook = await makeNotebook(program, applicationId, {}, '1')
  const absent = [
    () => program.call('application.get', { applicationId: foreign.id }),
    () => program.call('devices.get', { applicationId: foreign.id }),
    () => program.call('applicationApiTokens.get', { applicationId: foreign.id }),
    () => make(foreign.id, {}, program),
    () => losant.call('applicationApiToken.get', { applicationId: foreign.id, apiTokenId: made.id }),
    () => losant.call('applicationApiToken.delete', { applicationId: foreign.id, apiTokenId: made.id }),
    () => losant.call('userApiToken.get', { apiTokenId: made.id }),
  ]
  for (const call of absent) assert.equal((await refusal(call())).statusCode, 404)
  // What a user has beside an application is not the application's.
  for (const call of [() => program.call('applications.get', {}), () => makeMine({}, program)]) {
    assert.equal((await refusal(call())).statusCode, 403)
  }
  const log: ExecutionLog = await runToEnd(program, notebook)
  assert.deepEqual([log.status, log.sourceType, log.sourceId], ['completed', 'apiToken', made.id])
})

test('the token of a user works where the user does', async () => {
  const made = await makeMine({ scope: ['all.User.read'] })
  const program = clientOf(made)
  const { id: applicationId } = await makeApplication(losant, 'read by a program')
  const { items } = await program.call<{ items: Application[] }>('applications.get', {})
  assert.ok(items.some(({ id }) => id === applicationId))
  await program.call('devices.get', { applicationId })
  const refused = await refusal(program.call('devices.post', { applicationId, device: { name: 'x' } }))
  assert.deepEqual([refused.statusCode, refused.type, refused.message], [403, 'Forbidden', 'Access is forbidden'])
})

test('a token that is inactive or deleted is refused with the next request', async () => {
  const { id: applicationId } = await makeApplication(losant)
  const its = await make(applicationId)
  const mine = await makeMine()
  const change = (status: string) => [
    losant.call<ApiToken>('applicationApiToken.patch', { applicationId, apiTokenId: its.id, apiToken: { status } }),
    losant.call<ApiToken>('userApiToken.patch', { apiTokenId: mine.id, apiToken: { status } }),
  ]
  const ask = (token: ApiToken) => clientOf(token).call('devices.get', { applicationId })
  const refused = async () => {
    for (const token of [its, mine]) {
      const { statusCode, type, message } = await refusal(ask(token))
      assert.deepEqual([statusCode, type, message], [401, 'Unauthorized', 'Invalid access token'])
    }
  }
  await Promise.all([its, mine].map(ask))
  const off = await Promise.all(change('inactive'))
  assert.deepEqual(
    off.map(({ status, token }) => [status, token]),
    [
      ['inactive', undefined],
      ['inactive', undefined],
    ],
  )
  await refused()
  await Promise.all(change('active'))
  await Promise.all([its, mine].map(ask))
  await losant.call('applicationApiToken.delete', { applicationId, apiTokenId: its.id })
  await losant.call('userApiToken.delete', { apiTokenId: mine.id })
  await refused()
  const gone = await refusal(losant.call('userApiToken.get', { apiTokenId: mine.id }))
  assert.deepEqual([gone.statusCode, gone.message], [404, 'API token was not found'])
})

test('a token ends with its time, and with its application', async () => {
  const { id: applicationId } = await makeApplication(losant)
  const expirationDate = new Date(Date.now() + 1000).toISOString()
  const ending = await make(applicationId, { expirationDate })
  const lasting = await make(applicationId)
  assert.equal(ending.expirationDate, expirationDate)
  while (new Date() < new Date(expirationDate)) await new Promise((resolve) => setTimeout(resolve, 100))
  const ended = await refusal(clientOf(ending).call('devices.get', { applicationId }))
  assert.equal(ended.statusCode, 401)
  await clientOf(lasting).call('devices.get', { applicationId })
  await losant.call('application.delete', { applicationId })
  assert.equal((await refusal(clientOf(lasting).call('devices.get', { applicationId }))).statusCode, 401)
})

test('a token makes others within its own scope only, and a bounded one none', async () => {
  const { id: applicationId } = await makeApplication(losant)
  const all = clientOf(await make(applicationId))
  const bounded = clientOf(await make(applicationId, { scope: ['all.Application.bounded'] }, all))
  await bounded.call('applicationApiTokens.get', { applicationId })
  assert.equal((await refusal(make(applicationId, { scope: ['devices.get'] }, bounded))).statusCode, 403)
  const maker = clientOf(await make(applicationId, { scope: ['applicationApiTokens.*', 'devices.*'] }, all))
  const reader = await make(applicationId, { scope: ['devices.get'] }, maker)
  assert.equal(reader.creatorType, 'apiToken')
  await clientOf(reader).call('devices.get', { applicationId })
  const refused = await refusal(make(applicationId, {}, maker))
  assert.deepEqual(
    [refused.statusCode, refused.message],
    [403, 'A token may do no more than the one it is made with, and all.Application would; ask for a smaller scope'],
  )
  const faulty = await refusal(make(applicationId, { scope: ['devices.got'] }))
  assert.deepEqual([faulty.statusCode, faulty.type], [400, 'Validation'])
  assert.match(faulty.message, /^apiToken\.scope\.0 is not a scope .*; allowed are devices\.\*, /)
})

test('tokens are listed, filtered, sorted and paged; scope and end can not be changed', async () => {
  const { id: applicationId } = await makeApplication(losant)
  const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString()
  for (const [name, status, expirationDate] of [
    ['b', 'active', day(2)],
    ['a', 'inactive', undefined],
    ['c', 'active', day(1)],
  ]) {
    await make(applicationId, { name, status, ...(expirationDate ? { expirationDate } : {}) })
  }
  const list = async (query: object) => {
    const page = await losant.call<List>('applicationApiTokens.get', { applicationId, ...query })
    assert.deepEqual([page.ownerId, page.ownerType], [applicationId, 'application'])
    assert.ok(page.items.every(({ token }) => token === undefined))
    return [page.items.map(({ name }) => name).join(''), page.totalCount]
  }
  assert.deepEqual(await list({}), ['abc', 3])
  assert.deepEqual(await list({ sortField: 'creationDate', sortDirection: 'desc' }), ['cab', 3])
  assert.deepEqual(await list({ sortField: 'expirationDate' }), ['cba', 3])
  assert.deepEqual(await list({ sortField: 'status', sortDirection: 'desc', perPage: 1 }), ['a', 3])
  assert.deepEqual(await list({ filterField: 'status', filter: 'active' }), ['bc', 2])
  assert.deepEqual(await list({ filterField: 'name', filter: 'A*' }), ['a', 1])
  assert.deepEqual(await list({ page: 1, perPage: 2 }), ['c', 3])
  const mine = await makeMine({ name: 'only mine' })
  const own = await losant.call<List>('userApiTokens.get', { filterField: 'name', filter: 'only*' })
  assert.deepEqual([own.items.map(({ id }) => id), own.ownerType], [[mine.id], 'user'])
  for (const apiToken of [{ scope: [] }, { expirationDate: day(9) }]) {
    const refused = await refusal(losant.call('userApiToken.patch', { apiTokenId: mine.id, apiToken }))
    assert.match(refused.message, /^apiToken\.\w+ is not a known property; allowed are name, description, status/)
  }
  const patched = await losant.call<ApiToken>('userApiToken.patch', { apiTokenId: mine.id, apiToken: { name: 'n' } })
  assert.deepEqual(await losant.call('userApiToken.get', { apiTokenId: mine.id }), patched)
})
