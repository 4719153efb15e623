/** The check for known holes, against registries of the test: one that knows none, one that knows one, one that does not say. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import test, { type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { makeFolder } from '../support/make.ts'

const AUDIT = fileURLToPath(new URL('../../cli/audit.ts', import.meta.url))
const LIMIT = { timeout: 120_000 }

/** A registry that knows these advisories; undefined is one that does not take the question. */
async function audit(t: TestContext, severity: string | undefined, isThere = true) {
  const registry = createServer(async (request, response) => {
    await request.toArray()
    if (request.method === 'POST' && isThere) {
      const advisory = { id: 1, url: 'https://advisories.example/1', title: 'a hole', vulnerable_versions: '*' }
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(severity ? { undici: [{ ...advisory, severity }] } : {}))
    } else response.writeHead(request.method === 'POST' ? 405 : 404).end('{}')
  })
  registry.listen(0, '127.0.0.1')
  await once(registry, 'listening')
  t.after(() => {
    registry.closeAllConnections()
    registry.close()
  })
  const address = registry.address()
  const url = `http://127.0.0.1:${address && typeof address === 'object' ? address.port : 0}/`
  // npm keeps what it has learned of an advisory.
  const cache = await makeFolder(t)
  const child = spawn(process.execPath, [AUDIT, `--registry=${url}`, `--cache=${cache}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [said, told] = await Promise.all([child.stdout.toArray(), child.stderr.toArray(), once(child, 'close')])
  return { code: child.exitCode, said: Buffer.concat([...said, ...told]).toString() }
}

test('no advisory is no failure', LIMIT, async (t) => {
  const { code, said } = await audit(t, undefined)
  assert.deepEqual([code, said.startsWith('0 serious advisories, 0 others')], [0, true], said)
})

test('a serious one is, and names what it is about', LIMIT, async (t) => {
  const { code, said } = await audit(t, 'high')
  assert.equal(code, 1, said)
  assert.match(said, /undici: high/)
})

test('a slight one is told and is none', LIMIT, async (t) => {
  const { code, said } = await audit(t, 'low')
  assert.equal(code, 0, said)
  assert.match(said, /^0 serious advisories, [1-9]\d* others/)
})

test('a registry that does not answer is told and is none', LIMIT, async (t) => {
  const { code, said } = await audit(t, 'critical', false)
  assert.equal(code, 0, said)
  assert.match(said, /^Not checked: the registry did not answer/)
})
