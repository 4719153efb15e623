/** The order in which outputs are stored, and how names that a notebook made up are told. */

import assert from 'node:assert/strict'
import test from 'node:test'
import type { NotebookOutput } from '../../contract/notebook-files.ts'
import { inLockOrder } from '../../server/executions/outputs/lock-order.ts'
import { leftOut, shownList, shownName } from '../../server/executions/outputs/shown-list.ts'

const [early, late] = ['0'.repeat(24), 'f'.repeat(24)]

const table = (dataTableId: string): NotebookOutput => ({ outputType: 'dataTable', fileName: 'a.csv', dataTableId })
const file = (directory: string, name: string, rest: { destinationPrivate?: boolean } = {}): NotebookOutput => ({
  outputType: 'file',
  fileName: 'a',
  destinationFileNameTemplate: name,
  destinationDirectoryTemplate: directory,
  ...rest,
})
const directory = (path: string): NotebookOutput => ({
  outputType: 'directory',
  directoryName: 'd',
  destinationDirectoryTemplate: path,
})

const ORDERED: [string, NotebookOutput][] = [
  ['a link', { outputType: 'temporaryUrl', fileName: 'a' }],
  ['what can’t be rendered', file('{{#if}}', 'a')],
  ['a table', table(early)],
  ['a table of a template', table('{{ctx.late}}')],
  ['a directory', directory('a')],
  ['a file in it', file('/a/', 'b')],
  ['a file deep in it', file('/a/b', '{{ctx.name}}')],
  ['a file beside it that begins alike', file('/', 'a-b')],
  ['a result', { outputType: 'executionResult', fileName: 'result.log', destinationDirectoryTemplate: '/b' }],
  ['a private file', file('/a', 'a', { destinationPrivate: true })],
]

test('outputs are stored in the order of what they lock, however they are configured', () => {
  const context = { ctx: { late: late.toUpperCase(), name: 'c' }, globals: {} }
  const names = ORDERED.map(([name]) => name)
  for (const configured of [ORDERED, ORDERED.toReversed(), [...ORDERED.slice(4), ...ORDERED.slice(0, 4)]]) {
    const outputs = new Map(configured.map(([name, output]) => [output, name]))
    const order = inLockOrder(outputs, context).map(([, name]) => name)
    assert.deepEqual(order.slice(2), names.slice(2))
    assert.deepEqual(order.slice(0, 2).sort(), names.slice(0, 2).sort())
  }
})

test('of two outputs with one destination the later one in the configuration is stored last', () => {
  const [first, second] = [file('/x', 'a'), { ...file('x/', 'a'), fileName: 'b' } as NotebookOutput]
  const stored = inLockOrder(
    new Map([
      [first, 1],
      [second, 2],
    ]),
    { ctx: {}, globals: {} },
  )
  assert.deepEqual(
    stored.map(([, which]) => which),
    [1, 2],
  )
})

test('names in messages are short, few, and say what they are', () => {
  assert.equal(shownName('Zürich 雨'), 'Zürich 雨')
  assert.equal(shownName('a\n\u001b[2J\u0000\u202e'), 'a\\u000a\\u001b[2J\\u0000\\u202e')
  assert.equal(shownName('😀'.repeat(200)), `${'😀'.repeat(100)}…`)
  assert.equal(shownList(['a', 'b']), '"a", "b"')
  const many = Array.from({ length: 25 }, (_, index) => `${index}`)
  assert.match(shownList(many), /^"0", .*, "19" and 5 more$/)
  assert.equal(leftOut(['x is a link']), 'one of its files or folders was left out: x is a link')
  assert.match(leftOut(many, 1000), /^1000 of its files and folders were left out: 0; 1; .*; 19; and 980 more$/)
})
