/** Input externalUrl: the answer byte for byte, templates in the address, and every way it can fail told in words. */

import assert from 'node:assert/strict'
import { readdir, stat } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import type { NotebookInput } from '../../contract/notebook-files.ts'
import { makeApplication } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'
import { gathered, makeStaging } from '../support/staging.ts'

async function serve(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise((resolve) => server.once('listening', resolve))
  // A server that listens on a port has an address with one.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const input = (sourceUrl: string): NotebookInput => ({ inputType: 'externalUrl', fileName: 'got.bin', sourceUrl })

test('what the address answers is the file, its parts made by templates', async (t) => {
  const db = await openTestDatabase(t)
  const origin = await serve(t, ({ url }, reply) => reply.end(`"${url}"\r\n\u00fc`))
  const context = { ctx: { name: 'a b&c' }, globals: { origin } }
  const staging = await makeStaging(t, db, (await makeApplication(db)).id, { context })
  const url = '{{globals.origin}}/x?name={{encodeURIComponent ctx.name}}'
  assert.equal(await gathered(staging, input(url)), '"/x?name=a%20b%26c"\r\n\u00fc')
  const { mode } = await stat(join(staging.folder, 'got.bin'))
  assert.equal(mode & 0o777, 0o644, 'runs are users of their own')
})

test('a failure is told in words, leaves no file, and is no fault of the database', async (t) => {
  const db = await openTestDatabase(t)
  const origin = await serve(t, ({ url }, reply) => {
    if (url === '/missing') reply.writeHead(404).end('secret')
    else if (url === '/large') reply.end('x'.repeat(2000))
    else if (url !== '/slow') reply.writeHead(302, { location: 'ftp://127.0.0.1/' }).end()
  })
  const { port } = new URL(origin)
  const applicationId = (await makeApplication(db)).id
  const open = { maxBytes: 1000, timeoutMs: 300, allowPrivate: true }
  const cases: [url: string, fetching: typeof open, reason: RegExp][] = [
    [`${origin}/missing`, open, /answered with status 404$/],
    [`${origin}/large`, open, /larger than 1000 bytes/],
    [`${origin}/slow`, open, /did not answer completely within 0.3 s/],
    [`${origin}/elsewhere`, open, /http/],
    ['http://127.0.0.1:1/', open, /it refuses connections/],
    ['ftp://example.com/', open, /http/],
    ['{{ctx.none}}', open, /URL/],
    [`${origin}/`, { ...open, allowPrivate: false }, /private|not public|FIELDBOOK_ALLOW_PRIVATE_ADDRESSES/],
    [
      `http://localhost:${port}/`,
      { ...open, allowPrivate: false },
      /private|not public|FIELDBOOK_ALLOW_PRIVATE_ADDRESSES/,
    ],
  ]
  for (const [url, fetching, reason] of cases) {
    const staging = await makeStaging(t, db, applicationId, { fetching })
    await assert.rejects(gathered(staging, input(url)), (error: Error) => {
      assert.match(error.message, reason)
      assert.ok(!error.message.includes('secret'))
      assert.equal(error.cause, undefined, 'what would be tried again while the database is away')
      return true
    })
    assert.deepEqual(await readdir(staging.folder), [], url)
  }
})

test('a fetch ends when the run is canceled', async (t) => {
  const db = await openTestDatabase(t)
  const stop = new AbortController()
  const origin = await serve(t, () => stop.abort(new Error('told to stop')))
  const staging = await makeStaging(t, db, (await makeApplication(db)).id, { signal: stop.signal })
  await assert.rejects(gathered(staging, input(origin)), /told to stop/)
})
