/**
 * The texts of stream outputs while they grow: what has come is stored as a terminal would show it, and either end can be
 * cut off in bytes. A message costs what it brings, however long the text before it is.
 */
import type { Output } from './notebook.ts'
import { type Written, writeToTerminal } from './terminal.ts'

export type StreamOutput = Extract<Output, { output_type: 'stream' }>

/** The streams of one run. Only those opened here take more text: a marker, or the kept beginning of a text, does not. */
export class Streams {
  readonly #live = new WeakMap<Output, Written>()

  /** A stream without text; it belongs to whoever stores it. */
  open(name: StreamOutput['name']): StreamOutput {
    const stream: StreamOutput = { output_type: 'stream', name, text: '' }
    this.#live.set(stream, { settled: '', line: '' })
    return stream
  }

  /** Whether the output is a stream of that name that takes more text. */
  continues(output: Output | undefined, name: StreamOutput['name']): output is StreamOutput {
    return output?.output_type === 'stream' && output.name === name && this.#live.has(output)
  }

  /** Adds text, and gives the bytes by which the stream has grown: fewer than were added, or less than none, after a return. */
  write(stream: StreamOutput, added: string): number {
    const { settled, line } = this.#live.get(stream) ?? { settled: stream.text, line: '' }
    const written = writeToTerminal(line, added)
    const next = { settled: settled + written.settled, line: written.line }
    this.#live.set(stream, next)
    stream.text = next.settled + next.line
    // Only what could still change is measured again.
    return Buffer.byteLength(written.settled) + Buffer.byteLength(written.line) - Buffer.byteLength(line)
  }

  /** Moves the first so many bytes (never part of a character) into a stream of their own, which takes no more text. */
  takeHead(stream: StreamOutput, bytes: number): { head: StreamOutput; headBytes: number } {
    const { text, read, written } = headOf(stream.text, bytes)
    this.#drop(stream, read)
    return { head: { ...stream, text }, headBytes: written }
  }

  /** Drops the first so many bytes, to the end of a character, and gives how many were dropped. */
  dropHead(stream: StreamOutput, bytes: number): number {
    const { read, written } = headOf(stream.text, bytes)
    this.#drop(stream, read)
    return written
  }

  #drop(stream: StreamOutput, characters: number): void {
    const live = this.#live.get(stream)
    stream.text = stream.text.slice(characters)
    if (!live) return
    const inSettled = Math.min(characters, live.settled.length)
    const line = live.line.slice(characters - inSettled)
    this.#live.set(stream, { settled: stream.text.slice(0, stream.text.length - line.length), line })
  }
}

const encoder = new TextEncoder()

/** As much of a text as fits into so many bytes: a copy, its length in characters (`read`) and in bytes (`written`). */
function headOf(text: string, bytes: number): { text: string; read: number; written: number } {
  const buffer = Buffer.alloc(Math.max(0, Math.floor(bytes)))
  const { read, written } = encoder.encodeInto(text, buffer)
  // A slice of the text would keep all of it in memory.
  return { text: buffer.toString('utf8', 0, written), read, written }
}
