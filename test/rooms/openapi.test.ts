/** The description of the API as it is served: as JSON, as the committed YAML, and as a page that a browser opens. */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { describeApi } from '../../contract/openapi/document.ts'
import { noChromium, openChromium } from '../support/chromium.ts'
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

test('/docs is a page with its own files and a policy that allows nothing else', async (t) => {
  const { app } = await openDoor(t)
  const page = await app.inject({ url: '/docs' })
  assert.match(String(page.headers['content-type']), /^text\/html/)
  assert.match(
    String(page.headers['content-security-policy']),
    /^default-src 'none'; script-src 'self'; style-src 'self';/,
  )
  for (const [url, type] of [
    ['/docs/style.css', /^text\/css/],
    ['/docs/script.js', /^text\/javascript/],
  ] as const) {
    const file = await app.inject({ url })
    assert.equal(file.statusCode, 200)
    assert.match(String(file.headers['content-type']), type)
  }
  const again = await app.inject({ url: '/docs', headers: { 'if-none-match': String(page.headers.etag) } })
  assert.equal(again.statusCode, 304)
})

test('the page opens in a browser without a fault, and its search finds an operation', {
  skip: await noChromium(),
}, async (t) => {
  const { app } = await openDoor(t)
  const url = await app.listen({ host: '127.0.0.1', port: 0 })
  await using chromium = await openChromium()
  const page = await chromium.newPage()
  assert.equal(await page.goto(`${url}/docs`), undefined)
  assert.deepEqual(
    page.requests.filter((request) => !request.startsWith('data:')),
    [`${url}/docs`, `${url}/docs/style.css`, `${url}/docs/script.js`],
  )
  const shown = () => page.evaluate(`[...document.querySelectorAll('.operation:not([hidden])')].map(({ id }) => id)`)
  const search = (text: string) =>
    page.evaluate(`(() => {
      const input = document.querySelector('#search')
      input.value = ${JSON.stringify(text)}
      input.dispatchEvent(new Event('input'))
    })()`)
  const all = await shown()
  assert.ok(Array.isArray(all) && all.length > 100)
  await search('queues an execution of the notebook as it is now')
  assert.deepEqual(await shown(), ['notebook.createBackfill', 'notebook.execute'])
  await search('no such thing')
  assert.deepEqual(await shown(), [])
  await page.evaluate(`location.hash = 'notebook.upload'`)
  assert.equal(
    await page.evaluate(
      `new Promise((resolve) => setTimeout(() => resolve(document.querySelectorAll('.operation[hidden]').length), 0))`,
    ),
    0,
  )
  assert.deepEqual(page.console, [])
})
