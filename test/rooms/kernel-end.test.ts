/** The end of a kernel: by itself and soon, with what the user's code had still to write. */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { createLog } from '../../server/ground/log.ts'
import { runCells } from '../../server/kernel/execute.ts'
import { createKernels } from '../../server/kernel/kernels.ts'
import { parseNotebook } from '../../server/kernel/notebook.ts'
import { DEFAULT_LIMITS } from '../../server/sandbox/spec.ts'
import { testHost, testImage } from '../support/image.ts'
import { makeFolder } from '../support/make.ts'
import { ipynb } from '../support/steps.ts'

test('files left open are written out and atexit functions run', async (t) => {
  const root = await makeFolder(t)
  const [image, host] = await Promise.all([testImage(), testHost()])
  const log = createLog('silent')
  await using kernels = createKernels({ host, root, limits: DEFAULT_LIMITS, spares: 0, forking: false, log })
  await using seat = await kernels.take({ image, limits: DEFAULT_LIMITS })
  const kernel = await seat.kernel
  const cell = [
    'import atexit, os',
    'out = os.environ["OUTPUT_DIR"]',
    'left_open = open(out + "/open.txt", "w")',
    'left_open.write("all of it")',
    'binary = open(out + "/open.bin", "wb")',
    'binary.write(b"binary")',
    'atexit.register(lambda: open(out + "/atexit.txt", "w").write("ran"))',
  ].join('\n')
  const outcome = await runCells({ notebook: parseNotebook(Buffer.from(ipynb(cell))), kernel })
  assert.deepEqual(outcome, { kind: 'finished' })
  await kernel.finish(30_000)
  const ending = await kernel.process.exited
  assert.deepEqual([ending.reason, ending.exitCode], ['exited', 0])
  const written = await Promise.all(
    ['open.txt', 'open.bin', 'atexit.txt'].map((name) => readFile(join(kernel.outputs, name), 'utf8')),
  )
  assert.deepEqual(written, ['all of it', 'binary', 'ran'])
})
