/** Which words the scope of a token may have, and when it would be more than that of its maker. */

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { APPLICATION_WORDS, DEVICE_SCOPES, SESSION_WORDS, USER_WORDS } from '../../contract/scope-words.ts'
import { type Grants, scopesOf } from '../../contract/scopes.ts'
import { type Operation, requireNoMore, requireWords, type TokenKind } from '../../server/access/scope-words.ts'

const operationOf = (operation: string, method: string, path: string, grants: Grants = {}): Operation => ({
  path,
  scopes: scopesOf({ operation, method, path, grants }),
})
const OF_APPLICATION = '/applications/:applicationId/things'
const OPERATIONS: Operation[] = [
  operationOf('notebook.get', 'GET', OF_APPLICATION),
  operationOf('notebook.patch', 'PATCH', OF_APPLICATION),
  operationOf('device.get', 'GET', OF_APPLICATION, { device: true }),
  operationOf('data.export', 'POST', OF_APPLICATION, { reads: true, device: true }),
  operationOf('schedules.post', 'POST', OF_APPLICATION),
  operationOf('applicationApiTokens.post', 'POST', OF_APPLICATION, { bounded: false }),
  operationOf('applications.get', 'GET', '/applications', { cli: true }),
  operationOf('me.get', 'GET', '/me'),
  operationOf('userApiTokens.post', 'POST', '/me/tokens', { bounded: false }),
]

const PUBLISHED = fileURLToPath(new URL('../../../shared/contract/schemas/', import.meta.url))
const skip = !existsSync(PUBLISHED) && 'the published schemas are not beside this repository'

interface Words {
  readonly enum?: string[]
  readonly oneOf?: Words[]
}
const listsOf = (schema: Words): string[][] => (schema.enum ? [schema.enum] : (schema.oneOf ?? []).flatMap(listsOf))
const read = (name: string) => JSON.parse(readFileSync(`${PUBLISHED}${name}.json`, 'utf8')).properties

test('the words are the published ones', { skip }, () => {
  const [ofApplications = [], ofOrganizations = [], , ofUsers = []] = listsOf(read('apiTokenPost').scope.items)
  assert.deepEqual([...APPLICATION_WORDS].sort(), [...ofApplications].sort())
  assert.deepEqual([...USER_WORDS].sort(), [...ofApplications, ...ofOrganizations, ...ofUsers].sort())
  const ofSessions = listsOf(read('userCredentials').requestedScopes.items).flat()
  assert.deepEqual([...SESSION_WORDS].sort(), ofSessions.sort())
  assert.deepEqual(DEVICE_SCOPES, read('deviceCredentials').requestedScopes.items.enum)
})

const words = (kind: TokenKind, ...scope: string[]) => requireWords(scope, kind, OPERATIONS, 'apiToken.scope')

test('a word that no published or own operation has is refused with those that are near it', () => {
  words('application', 'all.Application', 'all.Device.read', 'notebook.*', 'notebook.get', 'flow.get', 'schedules.post')
  words('user', 'all.User', 'only.User.read', 'all.Organization', 'notebook.get', 'me.*', 'me.get', 'orgs.get')
  const refused: [kind: TokenKind, scope: string[], message: RegExp][] = [
    [
      'application',
      ['notebook.get', 'notebook.got'],
      /^apiToken\.scope\.1 is not .* allowed are notebook\.\*, notebook\.delete, /,
    ],
    ['application', ['schedules.get'], /allowed are schedules\.\*, schedules\.post$/],
    [
      'application',
      ['all.User'],
      /^apiToken\.scope\.0 is not a scope .* allowed are all\.Application, .*<resource>\.\*/,
    ],
    ['application', ['all.Organization'], /^apiToken\.scope\.0 is not/],
    ['application', ['me.get'], /^apiToken\.scope\.0 is not/],
    ['application', ['applications.get'], /^apiToken\.scope\.0 is not/],
    ['user', ['all.Instance'], /^apiToken\.scope\.0 is not .* all\.User, /],
    ['user', ['*'], /^apiToken\.scope\.0 is not/],
    ['user', ['all.*'], /^apiToken\.scope\.0 is not/],
    ['user', ['constructor'], /^apiToken\.scope\.0 is not/],
  ]
  for (const [kind, scope, message] of refused) assert.throws(() => words(kind, ...scope), { kind: 'invalid', message })
})

const cases: [held: string[], kind: TokenKind, scope: string[], tooMuch?: string][] = [
  [['all.User'], 'application', ['all.Application']],
  [['all.User'], 'user', ['all.User', 'only.User', 'all.Organization']],
  [['all.Application'], 'application', ['all.Application', 'all.Application.bounded', 'all.Device', 'flow.*']],
  // A user's token for applications alone is none for what the user has beside them.
  [['all.Application', 'userApiTokens.post'], 'user', ['all.User'], 'all.User'],
  [['all.Application', 'userApiTokens.post'], 'user', ['me.get'], 'me.get'],
  [['all.Application', 'userApiTokens.post'], 'user', ['all.Application.read', 'userApiTokens.*']],
  [['only.User'], 'user', ['only.User.bounded', 'me.get', 'me.verifyEmail']],
  [['only.User'], 'user', ['all.User.read'], 'all.User.read'],
  [['only.User'], 'user', ['notebook.get'], 'notebook.get'],
  [['applicationApiTokens.post'], 'application', ['all.Application'], 'all.Application'],
  [['applicationApiTokens.post'], 'application', ['applicationApiTokens.*']],
  [['applicationApiTokens.*', 'notebook.get'], 'application', ['notebook.get']],
  [['applicationApiTokens.*', 'notebook.get'], 'application', ['notebook.*'], 'notebook.*'],
  [['applicationApiTokens.*', 'notebook.get'], 'application', ['notebook.patch'], 'notebook.patch'],
  // Both operations are held by name, which is all that the resource has.
  [['applicationApiTokens.*', 'notebook.get', 'notebook.patch'], 'application', ['notebook.*']],
  [
    ['applicationApiTokens.*', 'all.Application.read'],
    'application',
    ['notebook.get', 'data.export', 'all.Device.read'],
  ],
  [
    ['applicationApiTokens.*', 'all.Application.read'],
    'application',
    ['all.Application.bounded'],
    'all.Application.bounded',
  ],
  [['all.Application.bounded', 'userApiTokens.post'], 'application', ['all.Application'], 'all.Application'],
  [['applicationApiTokens.*', 'all.Device'], 'application', ['all.Device.read']],
  [['applicationApiTokens.*', 'all.Device.read'], 'application', ['all.Device', 'all.Device.read']],
  // Nothing here yet; a later version might have it.
  [['applicationApiTokens.*', 'notebook.get'], 'application', ['flow.get'], 'flow.get'],
  [['applicationApiTokens.*', 'flow.*'], 'application', ['flow.get', 'flow.*']],
  [['applicationApiTokens.*', 'flow.get'], 'application', ['flow.*'], 'flow.*'],
  [['all.Application', 'userApiTokens.post'], 'user', ['me.verifyEmail'], 'me.verifyEmail'],
]

test('a token may do no more than the one it is made with', () => {
  for (const [held, kind, scope, tooMuch] of cases) {
    const check = () => requireNoMore(scope, held, kind, OPERATIONS)
    const expected = {
      kind: 'forbidden',
      message: `A token may do no more than the one it is made with, and ${tooMuch} would; ask for a smaller scope`,
    }
    if (tooMuch) assert.throws(check, expected, `${held} makes ${scope}`)
    else assert.doesNotThrow(check, `${held} makes ${scope}`)
  }
})
