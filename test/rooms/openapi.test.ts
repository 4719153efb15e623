/** The description of the API as it is served: what the generator makes, as JSON and as the committed YAML. */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { describeApi } from '../../contract/openapi/document.ts'
import { openDoor } from '../support/door.ts'

test('/openapi.json and /openapi.yaml are open to everybody, the latter as it is committed', async (t) => {
  const { app } = await openDoor(t)
  const { document } = await describeApi()
  const json = await app.inject({ url: '/openapi.json' })
  assert.equal(json.statusCode, 200)
  assert.match(String(json.headers['content-type']), /^application\/json/)
  assert.deepEqual(json.json(), JSON.parse(JSON.stringify(document)))
  const yaml = await app.inject({ url: '/openapi.yaml' })
  assert.match(String(yaml.headers['content-type']), /^application\/yaml/)
  const committed = await readFile(new URL('../../docs/openapi.yaml', import.meta.url), 'utf8')
  assert.ok(yaml.body === committed, 'docs/openapi.yaml is not what is served: npm run check -- --write')
  const again = await app.inject({ url: '/openapi.json', headers: { 'if-none-match': String(json.headers.etag) } })
  assert.deepEqual([again.statusCode, again.body], [304, ''])
})

test('every operation of the document is served', async (t) => {
  const { app } = await openDoor(t)
  const { document } = await describeApi()
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const method of Object.keys(methods)) {
      const url = path.replaceAll(/\{(\w+)\}/g, ':$1')
      assert.ok(app.hasRoute({ url, method: method.toUpperCase() as 'GET' }), `${method} ${url} is not served`)
    }
  }
})
