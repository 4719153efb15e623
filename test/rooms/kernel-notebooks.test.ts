/**
 * Each notebook in test/notebooks is run and compared with the outputs stored in it; another case is another file.
 * Run this file itself with `--update-notebooks` to store what the kernel says now, then read the difference.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import test from 'node:test'
import { parseNotebook, serializeNotebook } from '../../server/kernel/notebook.ts'
import { testImage } from '../support/image.ts'
import { endOf, lacking, normalised, notebookCases } from '../support/notebook-cases.ts'
import { runNotebook } from '../support/notebook-run.ts'

const UPDATE = process.argv.includes('--update-notebooks')
const image = await testImage()

for (const each of notebookCases()) {
  const why = lacking(each, image)
  test(`${each.name} gives the outputs stored in it`, why === undefined ? {} : { skip: why }, async () => {
    const { notebook, outcome } = await runNotebook(parseNotebook(readFileSync(each.path)))
    const end = endOf(outcome)
    assert.deepEqual({ ...end, ...each.ends }, end)
    const actual = normalised(notebook, each)
    if (UPDATE) writeFileSync(each.path, serializeNotebook(actual))
    else assert.deepEqual(actual, normalised(each.notebook, each))
  })
}
