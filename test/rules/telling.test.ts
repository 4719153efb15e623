/** What is told of a job's end, how it is signed, and whose turn it is among receivers. */

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { endMessage } from '../../server/jobs/end-message.ts'
import { mailOf } from '../../server/jobs/letter.ts'
import { createReceivers } from '../../server/jobs/receivers.ts'
import { signBody } from '../../server/jobs/signature.ts'
import type { JobRow } from '../../server/jobs/store.ts'

const ROW: JobRow = {
  id: '65f0000000000000000000aa',
  application_id: '65f0000000000000000000bb',
  kind: 'events.export',
  name: 'Export of events',
  resource_type: 'notebook',
  resource_id: '65f0000000000000000000cc',
  requested_by_type: 'user',
  requested_by_id: null,
  status: 'completed',
  input: { email: 'a@example.com', callbackUrl: 'https://example.com/cb?x=1' },
  base_url: 'http://here',
  progress: null,
  error: null,
  output: { removed: 3 },
  files: [],
  attempt: 1,
  lost_attempts: 0,
  worker_id: null,
  claimed_at: null,
  queued_at: new Date(0),
  started_at: new Date(0),
  completed_at: new Date(0),
}

test('a program is told where the files are and which job it was', () => {
  const message = endMessage(ROW, ['http://here/a', 'http://here/b'], 7)
  assert.equal(message?.callback?.url, 'https://example.com/cb?x=1')
  assert.deepEqual(message?.callback?.body, {
    downloadUrl: 'http://here/a',
    downloadUrls: ['http://here/a', 'http://here/b'],
    jobId: '323zz9wm538tsc43xka',
    jobExecutionId: ROW.id,
    applicationId: ROW.application_id,
    notebookId: ROW.resource_id,
    name: 'Export of events',
    resourceType: 'notebook',
    resourceId: ROW.resource_id,
    status: 'completed',
    success: true,
    output: { removed: 3 },
  })
})

test('a person is told in words, with links; a failure with its cause and without links', () => {
  const done = endMessage(ROW, ['http://here/a'], 7)?.mail
  assert.equal(done?.to, 'a@example.com')
  assert.equal(done?.subject, 'Export of events: done')
  assert.match(done?.text ?? '', /can be downloaded for 7 days:\nfile 1\nhttp:\/\/here\/a\n\nremoved: 3\n/)
  const error = { name: 'Validation', message: 'query.level is not a field' }
  const failed = endMessage({ ...ROW, status: 'errored', error, output: {} }, [], 7)
  assert.equal(failed?.mail?.subject, 'Export of events: failed')
  assert.match(failed?.mail?.text ?? '', /Validation: query\.level is not a field/)
  assert.deepEqual(failed?.callback?.body && { ...failed.callback.body, name: '' }, {
    downloadUrls: [],
    jobId: '323zz9wm538tsc43xka',
    jobExecutionId: ROW.id,
    applicationId: ROW.application_id,
    notebookId: ROW.resource_id,
    name: '',
    resourceType: 'notebook',
    resourceId: ROW.resource_id,
    status: 'errored',
    success: false,
    error,
    output: {},
  })
})

test('nobody is told who did not ask', () => {
  assert.equal(endMessage({ ...ROW, input: {} }, [], 7), undefined)
  assert.equal(endMessage({ ...ROW, input: { email: 3, callbackUrl: '' } }, [], 7), undefined)
  const onlyMail = endMessage({ ...ROW, input: { email: 'a@example.com' } }, [], 7)
  assert.equal(onlyMail?.callback, undefined)
})

test('a signature is over the moment and the body', () => {
  const signed = signBody(['secret'], '{"a":1}', new Date(1_700_000_000_999))
  const hmac = createHmac('sha256', 'secret').update('1700000000.{"a":1}').digest('hex')
  assert.equal(signed, `t=1700000000,v1=${hmac}`)
  const both = signBody(['new', 'secret'], '{"a":1}', new Date(1_700_000_000_999))
  assert.match(both, new RegExp(`^t=1700000000,v1=[0-9a-f]{64},v1=${hmac}$`))
})

test('two go to a receiver at a time, and others to other receivers meanwhile', () => {
  const receivers = createReceivers(2)
  assert.deepEqual([receivers.admit('a', 0), receivers.admit('a', 0)], [0, 0])
  assert.ok(receivers.admit('a', 0) > 0)
  assert.equal(receivers.admit('b', 0), 0)
  receivers.done('a', 10)
  assert.equal(receivers.admit('a', 20), 0)
})

test('who has to wait is told to come back when it may be its turn: later for a slow receiver, and for a long queue', () => {
  const receivers = createReceivers(2)
  const fill = () => [receivers.admit('slow', 0), receivers.admit('slow', 0)]
  fill()
  for (let n = 0; n < 40; n++) {
    receivers.done('slow', 10_000)
    receivers.admit('slow', 0)
  }
  const waits = Array.from({ length: 100 }, () => receivers.admit('slow', 0))
  assert.ok((waits[0] ?? 0) > 4000, `${waits[0]} ms`)
  assert.ok((waits[9] ?? 0) > 9 * 4000, `${waits[9]} ms for the tenth`)
  assert.equal(Math.max(...waits) <= 600_000, true)
  assert.deepEqual(
    waits,
    [...waits].sort((a, b) => a - b),
  )
})

test('very many receivers are not all remembered, and those with something under way are', () => {
  const receivers = createReceivers(2)
  receivers.admit('busy', 0)
  receivers.admit('busy', 0)
  for (let n = 0; n < 20_000; n++) {
    receivers.admit(`other ${n}`, 0)
    receivers.done(`other ${n}`, 1)
  }
  assert.ok(receivers.admit('busy', 0) > 0)
})

test('a mail shows what others wrote as it is: nothing of it becomes a part of the page', () => {
  const evil = `</pre><script>alert(1)</script><img src=x onerror='a"b'>&amp;`
  const { html, text } = mailOf({
    subject: evil,
    title: evil,
    isGood: false,
    paragraphs: [evil],
    quote: evil,
    links: {
      intro: evil,
      items: [
        { name: evil, url: `https://here/"${evil}` },
        { name: 'x', url: 'javascript:alert(1)' },
      ],
    },
    facts: [[evil, evil]],
  })
  assert.doesNotMatch(html, /<script|<img|<\/pre><|href="javascript/)
  const tags = new Set([...html.matchAll(/<([a-z0-9]+)/g)].map(([, tag]) => tag))
  const plain = ['html', 'head', 'meta', 'title', 'body', 'div', 'h1', 'p', 'pre', 'ul', 'li', 'a', 'table', 'tr', 'td']
  assert.deepEqual(
    [...tags].filter((tag) => !plain.includes(tag ?? '')),
    [],
  )
  assert.match(html, /&lt;\/pre&gt;&lt;script&gt;alert\(1\)/)
  assert.ok(text.includes(evil))
})

test('what is empty leaves no gap in a mail', () => {
  const { text, html } = mailOf({ subject: 's', title: 'Done.', isGood: true, paragraphs: [], facts: [['a', 'b']] })
  assert.equal(text, 'Done.\n\na: b\n')
  assert.doesNotMatch(html, /<ul|<pre|<p /)
})

const DOCUMENT = readFileSync(fileURLToPath(new URL('../../docs/telling.md', import.meta.url)), 'utf8')

test('the example of a signature in docs/telling.md is right', () => {
  const [, input, key, signature] =
    /printf '%s' '([^']+)' \| openssl dgst -sha256 -hmac (\w+)\n# ([0-9a-f]+)/.exec(DOCUMENT) ?? []
  const [t, ...body] = (input ?? '').split('.')
  assert.equal(signBody([key ?? ''], body.join('.'), new Date(Number(t) * 1000)), `t=${t},v1=${signature}`)
})

test('the receiver of docs/telling.md takes what is genuine and nothing else', async () => {
  const [, code = ''] = /```js\n([\s\S]*?)\ncreateServer\(/.exec(DOCUMENT) ?? []
  const { isGenuine } = await import(`data:text/javascript,${encodeURIComponent(code)}`)
  const body = Buffer.from('{"name":"größer"}')
  const [now, at] = [1_767_225_600, new Date(1_767_225_600_000)]
  const good = signBody(['ours'], body.toString(), at)
  const cases: [boolean, string, Buffer, number][] = [
    [true, good, body, now],
    [true, good, body, now + 299],
    [true, signBody(['next', 'ours'], body.toString(), at), body, now],
    [false, good, body, now + 301],
    [false, good, Buffer.from('{}'), now],
    [false, signBody(['another'], body.toString(), at), body, now],
    [false, good.replace('t=1767225600', 't=1767225601'), body, now],
    [false, good.replace('v1=', 'v0='), body, now],
    [false, '', body, now],
    [false, 't=,v1=', body, now],
  ]
  for (const [expected, header, bytes, seconds] of cases)
    assert.equal(isGenuine(header, bytes, 'ours', seconds), expected, `${header} at ${seconds}`)
})
