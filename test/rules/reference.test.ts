/** The reference page: it has every operation and schema, calls them as they are called, and takes no text for HTML. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeApi } from '../../contract/openapi/document.ts'
import { html, prose } from '../../server/http/reference/html.ts'
import { referencePage } from '../../server/http/reference/page.ts'
import { clientSample, curlSample } from '../../server/http/reference/samples.ts'

const { document } = await describeApi()
const page = referencePage(document)

const operationOf = (id: string) => {
  for (const [path, methods] of Object.entries(document.paths))
    for (const [method, operation] of Object.entries(methods))
      if (operation['operationId'] === id) return { method: method.toUpperCase(), path, operation }
  throw new Error(`there is no ${id}`)
}

test('every operation and every schema has a section, and every link of the page leads to one', () => {
  const ids = new Set([...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))
  for (const methods of Object.values(document.paths))
    for (const operation of Object.values(methods)) assert.ok(ids.has(String(operation['operationId'])))
  for (const name of Object.keys(document.components['schemas'] ?? {})) assert.ok(ids.has(`schema-${name}`), name)
  const targets = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id)
  assert.ok(targets.length > 500, `${targets.length} links`)
  assert.deepEqual(
    [...new Set(targets)].filter((id) => !ids.has(id)),
    [],
  )
})

test('what the document refers to is written out: nothing of the page is undefined', () => {
  assert.doesNotMatch(page, /\bundefined\b/)
  assert.match(page, /<code class="name">Idempotency-Key<\/code>/)
})

test('it loads its own style sheet and script, has no script or style within, and names no other address to load', () => {
  const loaded = [...page.matchAll(/<(?:script|link|img|iframe)\b[^>]*?(?:src|href)="([^"]*)"/g)].map(([, url]) => url)
  assert.deepEqual(loaded, ['data:,', '/docs/style.css', '/docs/script.js'])
  assert.doesNotMatch(page, /<style|<script(?! src)| style="| on\w+="/)
})

test('what is put into HTML is text, whatever it says', () => {
  assert.equal(
    html`<p title="${'"<b>&'}">${['<i>', html`<b>ours</b>`, false]}</p>`.text,
    '<p title="&quot;&lt;b&gt;&amp;">&lt;i&gt;<b>ours</b></p>',
  )
  assert.equal(
    prose('## A `b`\n\n<x> and `<y>`').text,
    '<h3>A <code>b</code></h3><p>&lt;x&gt; and <code>&lt;y&gt;</code></p>',
  )
})

test('a call by curl has the method, the path, the token and the body', () => {
  const sample = curlSample(operationOf('notebook.execute'))
  assert.match(
    sample,
    /^curl -X POST "\$FIELDBOOK\/applications\/6923a1f05c3e8d0012a4b701\/notebooks\/6923a2c45c3e8d0012a4b70c\/execute"/,
  )
  assert.match(sample, /-H "Authorization: Bearer \$TOKEN"/)
  assert.match(sample, /-d '\{\n {2}"relativeTo"/)
  assert.match(curlSample(operationOf('notebook.upload')), /-F 'jupyterFile=@/)
  assert.doesNotMatch(curlSample(operationOf('auth.authenticateUser')), /Authorization/)
})

test('a call by the client of the original is JavaScript, and goes by request where only we have the operation', () => {
  const sample = clientSample(operationOf('notebook.execute'))
  assert.match(
    sample,
    /^const answer = await client\.notebook\.execute\(\{\n {2}applicationId: '6923a1f05c3e8d0012a4b701',/,
  )
  assert.match(sample, /executionOptions: \{/)
  assert.match(
    clientSample(operationOf('schedule.get')),
    /client\.request\(\{\n {2}method: 'GET',\n {2}url: '\/applications/,
  )
  for (const [path, methods] of Object.entries(document.paths))
    for (const [method, operation] of Object.entries(methods)) {
      const text = clientSample({ method: method.toUpperCase(), path, operation })
      assert.doesNotThrow(() => new Function('client', 'createReadStream', `return async () => { ${text} }`), text)
    }
})
