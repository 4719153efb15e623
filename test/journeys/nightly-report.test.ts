/** The example of docs/schedules.md, run as it is written there; only its night is shorter. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { startService } from '../support/service.ts'

const DOCUMENT = new URL('../../docs/schedules.md', import.meta.url)
const LIMIT_MS = 150_000

/** Instead of a night: the schedule comes true with the next minute, and its execution ends. */
const NIGHT = `
curl -s -X PATCH $schedule -H "$auth" -H "$json" -d '{"cron": "* * * * *"}' > /dev/null
until curl -s $schedule -H "$auth" | jq -e .lastRun > /dev/null; do sleep 0.5; done
curl -s -X PATCH $schedule -H "$auth" -H "$json" -d '{"enabled": false}' > /dev/null
until curl -s $notebook/logs -H "$auth" | jq -e '.[0].outputsCompletedAt' > /dev/null; do sleep 0.2; done
`

test('whoever follows the example has a notebook that runs by itself, and its report', async (t) => {
  const text = await readFile(DOCUMENT, 'utf8')
  const example = text.split(/^## /m).find((part) => part.startsWith('A report every night')) ?? ''
  const blocks = [...example.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block)
  assert.equal(blocks.length, 5)
  const password = /"password": "([^"]+)"/.exec(blocks[0] ?? '')?.[1] ?? ''
  await using service = await startService({
    env: { FIELDBOOK_ADMIN_EMAIL: 'admin@fieldbook.local', FIELDBOOK_ADMIN_PASSWORD: password },
  })
  const folder = await mkdtemp(join(tmpdir(), 'fieldbook-example-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  const script = [...blocks.slice(0, -1), NIGHT, ...blocks.slice(-1)].join('\n')
  assert.ok(script.includes('http://127.0.0.1:8410'))
  const { stdout, stderr } = await promisify(execFile)(
    'bash',
    ['-euo', 'pipefail', '-c', script.replaceAll('http://127.0.0.1:8410', service.url)],
    { cwd: folder, timeout: LIMIT_MS },
  )
  assert.equal(stderr, '')
  assert.match(stdout, /"status": "completed",\n {2}"executionErrors": \[\],\n {2}"outputs": \[[^\]]*"result.html"/)
  assert.match(stdout, /"plannedFor": "[^"]+:00\.000Z"/)
  assert.match(stdout, /"lastError": null/)
  assert.match(stdout, /^\d{4}-\d\d-\d\d\.html http/m)
  const report = await readFile(join(folder, 'report.html'), 'utf8')
  assert.match(report, /Moisture of the last day/)
  assert.match(report, /41\.5/)
})
