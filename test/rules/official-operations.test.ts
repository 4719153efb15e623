/** Every operation that the official client and we both have is called by it in some journey. */

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { officialOperations } from '../support/official.ts'
import { routes } from '../support/routes.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

test('the official client drives every operation it has of ours', () => {
  const known = officialOperations()
  const shared = [...new Set(routes.map(({ operation }) => operation))].filter((operation) => known.includes(operation))
  assert.ok(shared.length > 90, `${shared.length} operations`)
  const journeys = globSync('test/{journeys/*,support/{official,steps,plant}}.ts', { cwd: ROOT })
    .map((file) => readFileSync(join(ROOT, file), 'utf8'))
    .join('\n')
  // Named as an argument, or as the first of the arguments of a table; the table of shapes has a colon behind it.
  const isCalled = (operation: string) => new RegExp(`'${operation.replace('.', '\\.')}'(?!:)`).test(journeys)
  assert.deepEqual(
    shared.filter((operation) => !isCalled(operation)),
    [],
  )
})
