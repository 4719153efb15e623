/** The soak in short: half a minute of random faults, the same program that `npm run soak` runs for longer. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const SOAK = fileURLToPath(new URL('../../bench/soak/run.ts', import.meta.url))

test('under random faults nothing is lost, nothing doubled and nothing left behind', async (t) => {
  const { code, said } = await new Promise<{ code: unknown; said: string }>((resolve) => {
    const child = execFile(process.execPath, [SOAK, '--minutes', '0.4'], (error, stdout, stderr) =>
      resolve({ code: error?.code ?? child.exitCode, said: stdout + stderr }),
    )
  })
  t.diagnostic(said)
  assert.equal(code, 0, said)
  const [, runs = ''] = /^(\d+) runs, and/m.exec(said) ?? []
  assert.ok(Number(runs) > 0, said)
  assert.match(said, /Nothing lost, nothing doubled, nothing left behind/)
})
