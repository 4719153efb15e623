/**
 * A notebook as the text of its file, in pieces: one of 50 MB written at once would hold up everything else for half a
 * second. Between two pieces the notebook may change; every cell is taken whole, so the text is valid all the same.
 */
import type { Notebook } from './notebook.ts'

/** Smaller pieces are joined up to this many characters; a cell that has more is a piece of its own. */
const PIECE = 65_536

/** Exactly the text that `serializeNotebook` gives for a notebook that does not change meanwhile. */
export function* notebookChunks(notebook: Notebook): Generator<string, void> {
  const { cells } = notebook
  const frame = JSON.stringify({ ...notebook, cells: [] }, null, 1)
  // Only what belongs to the notebook itself is indented by one: this list is the one, whatever metadata holds.
  const split = frame.indexOf('\n "cells": []') + '\n "cells": ['.length
  let piece = frame.slice(0, split)
  for (const [index, cell] of cells.entries()) {
    piece += `${index === 0 ? '' : ','}\n  ${indented(cell)}`
    if (piece.length < PIECE) continue
    yield piece
    piece = ''
  }
  yield `${piece}${cells.length > 0 ? '\n ' : ''}${frame.slice(split)}\n`
}

/** Line ends inside of texts are escaped in JSON, so all there are belong to the layout. */
const indented = (value: object) => JSON.stringify(value, null, 1).replaceAll('\n', '\n  ')
