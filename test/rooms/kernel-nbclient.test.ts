/**
 * The notebooks in test/notebooks through nbclient, in the same image: what is stored in them as expected of us is also what
 * nbclient makes of them. Where it is not, the notebook says why.
 */
import assert from 'node:assert/strict'
import test, { before } from 'node:test'
import type { Notebook } from '../../server/kernel/notebook.ts'
import { testHost, testImage } from '../support/image.ts'
import { type PeerRun, runInNbclient } from '../support/nbclient-run.ts'
import { type Case, lacking, normalised, notebookCases } from '../support/notebook-cases.ts'

const image = await testImage()
const cases = notebookCases().filter((each) => lacking(each, image) === undefined && each.differs === undefined)
let peers = new Map<string, PeerRun>()

before(async () => {
  const [first, ...more] = cases.map(({ path }) => path)
  assert.ok(first)
  peers = await runInNbclient([first, ...more], image, await testHost())
})

for (const each of notebookCases()) {
  const skip = lacking(each, image) ?? each.differs
  test(`nbclient makes of ${each.name} what we do`, skip === undefined ? {} : { skip }, () => {
    const peer = peers.get(each.name)
    assert.ok(peer)
    // What is stored was written by us.
    assert.equal(peer.invalid, null)
    assert.equal(peer.error, errorOf(each))
    assert.deepEqual(comparable(peer.notebook, each), comparable(each.notebook, each))
  })
}

/** What nbclient raises where we end otherwise than well. It knows no early exit. */
function errorOf({ ends, notebook }: Case): string | null {
  if (ends['kind'] === 'died') return 'DeadKernelError'
  const exits = notebook.cells.some(
    (cell) => cell.cell_type === 'code' && !isTagged(cell) && cell.outputs.some((output) => isExit(output)),
  )
  return ends['kind'] === 'failed' || exits ? 'CellExecutionError' : null
}

const isTagged = ({ metadata }: Notebook['cells'][number]) => JSON.stringify(metadata['tags'] ?? []).includes('raises')
const isExit = (output: object) => 'ename' in output && output.ename === 'SystemExit'

/** Outputs, counts and widgets; nbclient leaves the author's results in cells that it did not come to, and older ids out. */
function comparable(notebook: Notebook, each: Case): unknown {
  const { cells, metadata } = normalised(notebook, each)
  const codes = cells.flatMap((cell) =>
    cell.cell_type === 'code' ? [{ source: cell.source, count: cell.execution_count, outputs: cell.outputs }] : [],
  )
  // nbclient writes an empty state for a comm that is no widget.
  const widgets = JSON.stringify(metadata['widgets'])
  return { codes, widgets: widgets?.includes('model_name') ? metadata['widgets'] : undefined }
}
