/** Every operation that the official client and we both have is called by it in some journey. */

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { officialOperations } from '../support/official.ts'
import { routes } from '../support/routes.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Every operation that is the first argument of a call, as the journeys write calls of the client. */
const calledIn = (source: string) =>
  new Set([...source.matchAll(/\b(?:call|bare)(?:<[^()]*>)?\(\s*'(\w+\.\w+)'/g)].map(([, operation]) => operation))

test('the official client drives every operation it has of ours', () => {
  const known = officialOperations()
  const shared = [...new Set(routes.map(({ operation }) => operation))].filter((operation) => known.includes(operation))
  assert.ok(shared.length > 90, `${shared.length} operations`)
  const journeys = globSync('test/{journeys/*,support/{official,steps,plant}}.ts', { cwd: ROOT })
    .map((file) => readFileSync(join(ROOT, file), 'utf8'))
    .join('\n')
  const called = calledIn(journeys)
  assert.deepEqual(
    shared.filter((operation) => !called.has(operation)),
    [],
  )
})

test('a name is a call where it is called, not where it is a scope, a row of a table or a shape', () => {
  const source = `
    await client.call<{ items: Device[] }>('devices.get', {})
    await refusal(losant.call(
      'device.patch', {}))
    await losant.bare('auth.ssoDomain', {})
    const scope = ['device.get'], [['device.delete', {}]], REPLIES = { 'devices.post': 'device' }
  `
  assert.deepEqual([...calledIn(source)], ['devices.get', 'device.patch', 'auth.ssoDomain'])
})
