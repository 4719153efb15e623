/** A notebook's text in pieces is the text of its file, to the letter. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { notebookChunks } from '../../server/kernel/chunks.ts'
import { type Cell, type Notebook, serializeNotebook } from '../../server/kernel/notebook.ts'

const code = (source: string, text: string): Cell => ({
  cell_type: 'code',
  id: 'a',
  metadata: { tags: [], nested: { cells: [] } },
  source,
  execution_count: 1,
  outputs: [{ output_type: 'stream', name: 'stdout', text }],
})
const notebook = (cells: Cell[], metadata = {}): Notebook => ({ nbformat: 4, nbformat_minor: 5, metadata, cells })

const cases: [string, Notebook][] = [
  ['no cells', notebook([])],
  ['one cell', notebook([code('1', 'a\nb\n')])],
  ['texts that look like the layout', notebook([code('"cells": []', '\n "cells": []\n')], { cells: [], x: '\n' })],
  ['metadata with a list of cells', notebook([code('1', '')], { deep: { cells: [] } })],
  ['many cells', notebook(Array.from({ length: 5000 }, (_, index) => code(`print(${index})`, 'x'.repeat(index))))],
]
for (const [what, value] of cases) {
  test(`${what}: the pieces give the file`, () => {
    const pieces = [...notebookChunks(value)]
    assert.equal(pieces.join(''), serializeNotebook(value))
  })
}

test('no piece is much larger than the largest cell', () => {
  const cells = Array.from({ length: 500 }, () => code('1', 'x'.repeat(10_000)))
  const largest = Math.max(...[...notebookChunks(notebook(cells))].map(({ length }) => length))
  assert.ok(largest < 100_000, `${largest}`)
})

test('cells that change between two pieces leave it valid', () => {
  const value = notebook(Array.from({ length: 100 }, () => code('1', 'x'.repeat(5000))))
  let text = ''
  for (const piece of notebookChunks(value)) {
    text += piece
    for (const cell of value.cells) if (cell.cell_type === 'code') cell.outputs.push(...cell.outputs.slice(0, 1))
  }
  assert.equal(JSON.parse(text).cells.length, 100)
})
