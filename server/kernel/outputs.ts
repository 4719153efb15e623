/**
 * Turns the kernel's output messages into stored outputs, by the rules notebooks have: streams merge, clear_output clears,
 * display ids reach back into earlier cells. Keeps references to outputs, never indexes, which merging and cutting would move.
 */
import { type Area, inBytes, Ledger, type OutputLimits } from './ledger.ts'
import { bundleOf, displayIdOf, errorOf, streamOf } from './messages.ts'
import type { Metadata, Output } from './notebook.ts'
import { type StreamOutput, Streams } from './streams.ts'
import type { Message } from './wire.ts'

type Rich = Extract<Output, { data: Metadata }>

/** Outputs that one display id keeps up to date; an update costs a step for each. */
const MAX_SHOWN = 200

/** One per run, because display ids and the run's limit go across cells. */
export class Outputs {
  readonly #streams = new Streams()
  readonly #ledger: Ledger
  /** Display id → each output that shows it, and where that output is. */
  readonly #displays = new Map<string, Map<Rich, Area>>()
  readonly #idOf = new Map<Output, string>()
  readonly #clearBeforeNext = new WeakSet<Area>()

  constructor(limits: OutputLimits) {
    this.#ledger = new Ledger(limits, this.#streams, (output) => this.#forget(output))
  }

  /**
   * Applies one message to where its outputs go. A result is numbered as its cell is.
   * True when outputs have changed, here or elsewhere; unknown types change nothing.
   */
  apply(area: Area, message: Message, executionCount: number | null): boolean {
    const { content } = message
    switch (message.header.msg_type) {
      case 'stream':
        return this.#addStream(area, streamOf(content))
      case 'display_data':
        return this.#addRich(area, { output_type: 'display_data', ...bundleOf(content) }, message)
      case 'execute_result': {
        const output = { output_type: 'execute_result' as const, ...bundleOf(content), execution_count: executionCount }
        return this.#addRich(area, output, message)
      }
      case 'update_display_data':
        return this.#updateShown(message)
      case 'error': {
        const error = errorOf(content)
        return this.#add(area, { output_type: 'error', ...error }, JSON.stringify(error).length)
      }
      case 'clear_output':
        if (content['wait'] === true) this.#clearBeforeNext.add(area)
        else this.#clear(area)
        return true
      default:
        return false
    }
  }

  /** Adds a line of ours, for what a reader of the notebook should know. */
  note(area: Area, text: string): void {
    this.#add(area, { output_type: 'stream', name: 'stderr', text: `[${text}]\n` }, Buffer.byteLength(text))
  }

  /** Puts outputs that the kernel itself has given for an area in the place of those that are there. */
  replace(area: Area, outputs: readonly Output[]): void {
    this.#clear(area)
    for (const output of outputs) this.#add(area, output, Buffer.byteLength(JSON.stringify(output)))
  }

  /** An output that comes after clear_output(wait=True) carries it out; an update does not. */
  #clearIfAsked(area: Area): void {
    if (this.#clearBeforeNext.has(area)) this.#clear(area)
  }

  #clear(area: Area): void {
    this.#ledger.clear(area)
    this.#clearBeforeNext.delete(area)
  }

  #add(area: Area, output: Output, bytes: number): true {
    this.#clearIfAsked(area)
    area.outputs.push(output)
    this.#ledger.resize(area, output, bytes)
    this.#ledger.fit(area)
    return true
  }

  #addStream(area: Area, { name, text }: { name: StreamOutput['name']; text: string }): boolean {
    if (text === '') return false
    this.#clearIfAsked(area)
    const last = area.outputs.at(-1)
    const stream = this.#streams.continues(last, name) ? last : this.#streams.open(name)
    if (stream !== last) area.outputs.push(stream)
    const grown = this.#streams.write(stream, text)
    this.#ledger.resize(area, stream, this.#ledger.sizeOf(stream) + grown)
    this.#ledger.fit(area)
    return true
  }

  #addRich(area: Area, output: Rich, message: Message): boolean {
    const id = displayIdOf(message.content)
    if (id === undefined) return this.#add(area, output, message.sizeBytes)
    this.#clearIfAsked(area)
    this.#updateShown(message)
    const shown = this.#displays.get(id) ?? new Map<Rich, Area>()
    if (shown.size < MAX_SHOWN) {
      this.#displays.set(id, shown.set(output, area))
      this.#idOf.set(output, id)
    }
    return this.#add(area, output, message.sizeBytes)
  }

  /** Rewrites every output that shows the id, wherever it is; an unknown id is nobody's. */
  #updateShown(message: Message): boolean {
    const shown = this.#displays.get(displayIdOf(message.content) ?? '')
    if (!shown) return false
    const bundle = bundleOf(message.content)
    for (const [output, area] of shown) {
      const grown = message.sizeBytes - this.#ledger.sizeOf(output)
      if (grown <= this.#ledger.room(area)) {
        Object.assign(output, bundle)
        this.#ledger.resize(area, output, message.sizeBytes)
      } else {
        // What it showed before would be taken for the latest.
        const note = `[an update of ${inBytes(message.sizeBytes)} was left out]`
        Object.assign(output, { data: { 'text/plain': note }, metadata: {} })
        this.#ledger.resize(area, output, note.length)
      }
    }
    return true
  }

  #forget(output: Output): void {
    const id = this.#idOf.get(output)
    const shown = id === undefined ? undefined : this.#displays.get(id)
    if (id === undefined || !shown) return
    this.#idOf.delete(output)
    shown.delete(output as Rich) // only rich outputs are put into #idOf
    if (shown.size === 0) this.#displays.delete(id)
  }
}
