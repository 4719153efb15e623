/**
 * Turns the kernel's output messages into the outputs of cells, by the rules notebooks have: streams merge, clear_output
 * clears, display ids reach back into earlier cells. Keeps references to outputs, never indexes, which merging would move.
 */
import { createLedger, type Ledger, type OutputLimits } from './ledger.ts'
import { bundleOf, displayIdOf, errorOf, streamOf } from './messages.ts'
import type { CodeCell, Metadata, Output } from './notebook.ts'
import { type Written, writeToTerminal } from './terminal.ts'
import type { Message } from './wire.ts'

type Rich = Extract<Output, { data: Metadata }>

/** Outputs that one display id keeps up to date; an update costs a step for each. */
const MAX_SHOWN = 1000

/** One per run, because display ids and the run's limit go across cells. */
export class Outputs {
  readonly #limits: OutputLimits
  readonly #ledger: Ledger
  /** Display id → each output that shows it, and the cell that output is in. */
  readonly #displays = new Map<string, Map<Rich, CodeCell>>()
  /** What of a stream is settled, and the line that may still be rewritten. */
  readonly #streams = new WeakMap<Output, Written>()
  readonly #clearBeforeNext = new Set<CodeCell>()
  readonly #truncated = new Set<CodeCell>()

  constructor(limits: OutputLimits) {
    this.#limits = limits
    this.#ledger = createLedger(limits)
  }

  /** Applies one message to the cell whose request caused it; true when outputs have changed. Unknown types change nothing. */
  apply(cell: CodeCell, message: Message): boolean {
    const { content } = message
    switch (message.header.msg_type) {
      case 'stream':
        return this.#hasRoomAfterClear(cell) && this.#addStream(cell, streamOf(content))
      case 'display_data':
        return this.#addRich(cell, { output_type: 'display_data', ...bundleOf(content) }, message)
      case 'execute_result': {
        const bundle = bundleOf(content)
        const output = { output_type: 'execute_result' as const, ...bundle, execution_count: cell.execution_count }
        return this.#addRich(cell, output, message)
      }
      case 'update_display_data':
        return this.#updateShown(message)
      case 'error':
        this.#hasRoomAfterClear(cell)
        cell.outputs.push({ output_type: 'error', ...errorOf(content) }) // also in a full cell: it says why the run ended
        return true
      case 'clear_output':
        if (content['wait'] === true) this.#clearBeforeNext.add(cell)
        else this.#clear(cell)
        return true
      default:
        return false
    }
  }

  /** An output that comes after clear_output(wait=True) carries it out; an update does not. */
  #hasRoomAfterClear(cell: CodeCell): boolean {
    if (this.#clearBeforeNext.has(cell)) this.#clear(cell)
    return !this.#truncated.has(cell)
  }

  #clear(cell: CodeCell): void {
    this.#ledger.forget(cell)
    for (const shown of this.#displays.values()) {
      for (const [output, owner] of shown) if (owner === cell) shown.delete(output)
    }
    cell.outputs = []
    this.#clearBeforeNext.delete(cell)
    this.#truncated.delete(cell)
  }

  #addStream(cell: CodeCell, { name, text }: { name: 'stdout' | 'stderr'; text: string }): boolean {
    const last = cell.outputs.at(-1)
    const continued = last?.output_type === 'stream' && last.name === name ? last : undefined
    if (!continued && !this.#ledger.mayAddOutput(cell)) return this.#truncate(cell)
    const stream = continued ?? { output_type: 'stream' as const, name, text: '' }
    const { settled, line } = this.#streams.get(stream) ?? { settled: '', line: '' }
    const written = writeToTerminal(line, text)
    const size = this.#ledger.sizeOf(stream)
    // Only what could still change is measured again, so that a long stream costs no more for each of its messages.
    const grown = Buffer.byteLength(written.settled) + Buffer.byteLength(written.line) - Buffer.byteLength(line)
    const room = this.#ledger.room(cell)
    const next = { settled: settled + written.settled, line: written.line }
    const kept = grown <= room ? next.settled + next.line : stream.text + headOf(text, room)
    this.#streams.set(stream, next)
    if (!continued && kept !== '') cell.outputs.push(stream)
    this.#ledger.resize(cell, stream, size + Math.min(grown, room))
    stream.text = kept
    return grown <= room || this.#truncate(cell)
  }

  #addRich(cell: CodeCell, output: Rich, message: Message): boolean {
    if (!this.#hasRoomAfterClear(cell)) return false
    const id = displayIdOf(message.content)
    if (id !== undefined) this.#updateShown(message)
    if (!this.#ledger.mayAddOutput(cell) || message.sizeBytes > this.#ledger.room(cell)) return this.#truncate(cell)
    cell.outputs.push(output)
    this.#ledger.resize(cell, output, message.sizeBytes)
    if (id !== undefined) {
      const shown = this.#displays.get(id) ?? new Map<Rich, CodeCell>()
      if (shown.size < MAX_SHOWN) this.#displays.set(id, shown.set(output, cell))
    }
    return true
  }

  /** Rewrites every output that shows the id, in whichever cell; an unknown id is nobody's. */
  #updateShown(message: Message): boolean {
    const shown = this.#displays.get(displayIdOf(message.content) ?? '')
    if (!shown) return false
    const bundle = bundleOf(message.content)
    for (const [output, owner] of shown) {
      if (message.sizeBytes - this.#ledger.sizeOf(output) > this.#ledger.room(owner)) continue
      Object.assign(output, bundle)
      this.#ledger.resize(owner, output, message.sizeBytes)
    }
    return true
  }

  #truncate(cell: CodeCell): true {
    const { cellBytes, runBytes, cellOutputs } = this.#limits
    const limits = `${megabytes(cellBytes)} or ${cellOutputs} outputs a cell, ${megabytes(runBytes)} in all`
    const text = `[The rest of this cell's output was left out: at most ${limits} are kept]\n`
    cell.outputs.push({ output_type: 'stream', name: 'stderr', text })
    this.#truncated.add(cell)
    return true
  }
}

const megabytes = (bytes: number) => `${Math.round(bytes / 1024 ** 2)} MB`

/** As much of a text as fits into so many bytes, cut between characters. */
function headOf(text: string, bytes: number): string {
  return Buffer.from(text.slice(0, bytes))
    .subarray(0, bytes)
    .toString()
    .replace(/\uFFFD+$/, '')
}
