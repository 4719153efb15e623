/** Limits of notebooks: never above the installation's, refused by name and range, and kept within it when it shrinks. */

import assert from 'node:assert/strict'
import test from 'node:test'
import type { NotebookLimits } from '../../contract/limits.ts'
import { checkLimits, effectiveLimits, executionLimits } from '../../server/catalog/limits.ts'
import { sandboxLimits } from '../../server/executions/limits.ts'
import { readConfig } from '../../server/ground/config.ts'

const INSTALLATION = readConfig({ FIELDBOOK_RUN_MEMORY: '1GiB', FIELDBOOK_RUN_CORES: '2' }, '/').limits

const refused: [NotebookLimits, string][] = [
  [{ memoryBytes: 2 ** 30 + 1 }, 'limits.memoryBytes is 1073741825; it must be from 134217728 to 1073741824'],
  [{ memoryBytes: 0 }, 'limits.memoryBytes is 0; it must be from 134217728 to 1073741824'],
  [{ cores: 3 }, 'limits.cores is 3; it must be from 0.05 to 2'],
  [{ runMinutes: 61 }, 'limits.runMinutes is 61; it must be from 0.01 to 60'],
  [{ cellSeconds: 0 }, 'limits.cellSeconds is 0; it must be at least 0.1'],
  [{ processes: -1 }, 'limits.processes is -1; it must be from 16 to 256'],
  [{ memoryBytes: 2 ** 29, silenceSeconds: -5 }, 'limits.silenceSeconds is -5; it must be at least 0.1'],
]
for (const [limits, message] of refused) {
  test(`${JSON.stringify(limits)} is refused by name and range`, () => {
    assert.throws(() => checkLimits(limits, INSTALLATION), { kind: 'invalid', message })
  })
}

test('lower limits are taken, and where the installation has none any is lower', () => {
  const own = { memoryBytes: 2 ** 29, cores: 0.5, cellSeconds: 1e6, silenceSeconds: 0.5 }
  checkLimits(own, INSTALLATION)
  assert.deepEqual(effectiveLimits(own, INSTALLATION), { ...INSTALLATION, ...own })
  assert.deepEqual(effectiveLimits({}, INSTALLATION), INSTALLATION)
})

test('an installation that lowers its limits lowers those of every notebook', () => {
  const { memoryBytes, cellSeconds } = effectiveLimits(
    { memoryBytes: 2 ** 40, cellSeconds: 100 },
    { ...INSTALLATION, cellSeconds: 5 },
  )
  assert.deepEqual([memoryBytes, cellSeconds], [2 ** 30, 5])
})

test('an application lowers the installation, and a notebook the application', () => {
  const own = { memoryBytes: 2 ** 29, notebooks: 5, parallelExecutions: 2 }
  checkLimits(own, INSTALLATION)
  const ofApplication = effectiveLimits(own, INSTALLATION)
  assert.deepEqual(ofApplication, { ...INSTALLATION, ...own })
  const { memoryBytes, ...others } = effectiveLimits({ memoryBytes: 2 ** 30 }, executionLimits(ofApplication))
  assert.equal(memoryBytes, 2 ** 29)
  assert.ok(!('notebooks' in others) && !('total' in others), 'an execution has limits of executions only')
  assert.throws(() => checkLimits({ memoryBytes: 2 ** 30 }, ofApplication), { message: /from 134217728 to 536870912$/ })
})

test('where the installation is stricter than the lowest limit there is, its own may be set', () => {
  const { limits } = readConfig({ FIELDBOOK_NOTEBOOK_SIZE: '500B' }, '/')
  checkLimits({ notebookBytes: 500 }, limits)
  assert.throws(() => checkLimits({ notebookBytes: 501 }, limits), { message: /it must be from 500 to 500$/ })
})

test('the sandbox gets its part, and one file may fill its folder', () => {
  const limits = sandboxLimits({ ...INSTALLATION, outputBytes: 5, temporaryBytes: 7 })
  assert.deepEqual(
    [limits.memoryBytes, limits.cores, limits.outputBytes, limits.temporaryBytes, limits.fileBytes],
    [2 ** 30, 2, 5, 7, 7],
  )
})
