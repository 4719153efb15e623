/**
 * Each notebook in test/notebooks is run, in a cold kernel and in a forked one, and compared with the outputs stored in it;
 * another case is another file. Run this file itself with `--update-notebooks` to store what a cold kernel says now, then read
 * the difference.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import test, { after } from 'node:test'
import { parseNotebook, serializeNotebook } from '../../server/kernel/notebook.ts'
import { testImage } from '../support/image.ts'
import { type Case, endOf, lacking, normalised, notebookCases } from '../support/notebook-cases.ts'
import { openForkedKernels, type RunSettings, runNotebook } from '../support/notebook-run.ts'

const UPDATE = process.argv.includes('--update-notebooks')
const image = await testImage()
const forked = await openForkedKernels()
after(() => forked[Symbol.asyncDispose]())

for (const each of notebookCases()) {
  const why = lacking(each, image)
  const options = why === undefined ? {} : { skip: why }
  test(`${each.name} gives the outputs stored in it`, options, () => runCase(each, {}, UPDATE))
  test(`${each.name} gives them in a forked kernel, too`, options, () =>
    runCase(each, { kernels: forked.kernels }, false),
  )
}

async function runCase(each: Case, settings: RunSettings, update: boolean): Promise<void> {
  const { notebook, outcome } = await runNotebook(parseNotebook(readFileSync(each.path)), settings)
  const end = endOf(outcome)
  assert.deepEqual({ ...end, ...each.ends }, end)
  const actual = normalised(notebook, each)
  if (update) writeFileSync(each.path, serializeNotebook(actual))
  else assert.deepEqual(actual, normalised(parseNotebook(readFileSync(each.path)), each))
}
