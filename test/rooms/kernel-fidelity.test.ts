/**
 * The forked kernel without ZeroMQ against stock ipykernel over ZeroMQ, in the same image: more than a hundred nasty cells,
 * whose outputs have to be equal after what is different in any two processes has been taken out.
 */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { runCells } from '../../server/kernel/execute.ts'
import type { Cell, Output } from '../../server/kernel/notebook.ts'
import { openFramedFork } from '../support/framed-kernel.ts'
import { notebookOf } from '../support/framed-run.ts'
import { testImage } from '../support/image.ts'
import { NASTY, type NastyCell } from '../support/nasty-cells.ts'
import { runNotebook } from '../support/notebook-run.ts'

const fork = await openFramedFork(await testImage())
after(() => fork[Symbol.asyncDispose]())

for (const [name, cells] of Object.entries(NASTY)) {
  test(`${name}: a forked kernel shows what stock ipykernel shows`, async () => {
    const sources = cells.map(({ source }) => source)
    const stock = notebookOf(sources)
    const ours = notebookOf(sources)
    await using kernel = await fork.kernel()
    const [cold, forked] = await Promise.all([runNotebook(stock), runCells({ notebook: ours, kernel })])
    assert.deepEqual(forked, cold.outcome)
    const homes = [kernel.home, '/home/notebook/work', '/home/notebook']
    const shown = cells.map((cell, index) => comparable(cell, ours.cells[index], homes))
    const expected = cells.map((cell, index) => comparable(cell, stock.cells[index], homes))
    const differing = shown.flatMap((text, index) => (text === expected[index] ? [] : [index]))
    assert.deepEqual(
      differing.map((index) => [cells[index]?.source, shown[index]]),
      differing.map((index) => [cells[index]?.source, expected[index]]),
    )
  })
}

/** What has to be equal of a cell that ran, as text. */
function comparable({ differs, isLoose }: NastyCell, cell: Cell | undefined, homes: readonly string[]): string {
  if (cell?.cell_type !== 'code' || differs !== undefined) return ''
  const outputs = isLoose ? inFixedOrder(cell.outputs) : cell.outputs
  return settled(JSON.stringify([cell.execution_count, ...outputs.map(withoutPictures)], null, 1), homes)
}

function inFixedOrder(outputs: readonly Output[]): Output[] {
  const texts = Map.groupBy(outputs, (output) => (output.output_type === 'stream' ? output.name : 'rest'))
  return [...(texts.get('stdout') ?? []), ...(texts.get('stderr') ?? []), ...(texts.get('rest') ?? [])]
}

/** Of an error that came from sending, only what it says: the functions that send are not the same. */
function withoutPictures(output: Output): unknown {
  if (output.output_type === 'error' && output.traceback.some((line) => line.includes('forks/wire.py'))) {
    return { ...output, traceback: [] }
  }
  if (!('data' in output)) return output
  // Matplotlib draws ids by chance; a small SVG is one of ours.
  const isPicture = (type: string, value: unknown) => type.startsWith('image/') && String(value).length > 1000
  const data = Object.entries(output.data).map(([type, value]) => [type, isPicture(type, value) ? 'a picture' : value])
  return { ...output, data: Object.fromEntries(data) }
}

/** Takes out what differs from process to process: addresses, ids, times, the folder a run has, lines of our own code. */
function settled(text: string, homes: readonly string[]): string {
  const moved = homes.reduce((all, home) => all.replaceAll(home, 'HOME'), text)
  return moved
    .replace(/0x[0-9a-f]{6,}/g, '0x0')
    .replace(/ipykernel_\d+\/\d+/g, 'ipykernel_0/0')
    .replace(/(CPU times|Wall time)[^"\\]*/g, '$1')
    .replace(/\/[^ "]*(session|wire)\.py:\d+: UserWarning/g, 'UserWarning')
    .replace(/\\n {2}(content = self\.pack|return frame_of)[^\n]*?\\n/g, '')
}
