/** Globals changed one by one, and what a request wants to know in a summary. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApplicationGlobal, GlobalPatch } from '../../contract/applications.ts'
import { mergeGlobal } from '../../server/catalog/applications.ts'
import { summaryFields } from '../../server/executions/application-summary.ts'

const globals: ApplicationGlobal[] = [
  { key: 'b', json: '1', description: 'the first' },
  { key: 'a', json: '2' },
]
const merges: [string, GlobalPatch, ApplicationGlobal[]][] = [
  ['null deletes', { key: 'b', json: null }, [{ key: 'a', json: '2' }]],
  ['null of none changes nothing', { key: 'c', json: null }, globals],
  [
    'a known one stays in its place',
    { key: 'b', json: '3' },
    [
      { key: 'b', json: '3', description: 'the first' },
      { key: 'a', json: '2' },
    ],
  ],
  [
    'what is not said stays',
    { key: 'a', cloudOnly: true },
    [
      { key: 'b', json: '1', description: 'the first' },
      { key: 'a', json: '2', cloudOnly: true },
    ],
  ],
  ['a new one comes last', { key: 'c', json: '{}' }, [...globals, { key: 'c', json: '{}' }]],
]
for (const [what, patch, expected] of merges) {
  test(`of globals, ${what}`, () => assert.deepEqual(mergeGlobal(globals, patch, 0), expected))
}

test('a global that is not JSON, or new without a value, is refused where it stands', () => {
  assert.throws(() => mergeGlobal(globals, { key: 'a', json: '{' }, 3), {
    message: /^globals\.3\.json must be JSON text: /,
  })
  assert.throws(() => mergeGlobal(globals, { key: 'c' }, 1), {
    message: /^globals\.1\.json is required for the new global "c"$/,
  })
})

const summaries: [object, string[]][] = [
  [{}, []],
  [{ summaryInclude: '' }, []],
  [{ summaryInclude: 'deviceCount, flowCount,notebookStats' }, ['deviceCount', 'notebookStats']],
  [{ summaryInclude: 'constructor' }, []],
  [{ summaryInclude: 'deviceCount,fileCount', summaryExclude: 'fileCount' }, ['deviceCount']],
]
for (const [query, fields] of summaries) {
  test(`a summary of ${JSON.stringify(query)}`, () => assert.deepEqual(summaryFields(query), fields))
}

test('a summary has all but what is excluded', () => {
  const fields = summaryFields({ summaryExclude: 'payloadCount,deviceCount' })
  assert.ok(fields.length >= 5 && !fields.includes('deviceCount') && fields.includes('notebookStats'))
})
