/**
 * Keeps stored outputs within the limits: of a cell that has too much, and of a run, the beginning and the end stay, with a
 * marker where the middle was. Counts what is stored, not what was sent: a progress bar that rewrites one line for an hour
 * stays one line.
 */
import type { Output } from './notebook.ts'
import type { StreamOutput, Streams } from './streams.ts'

export interface OutputLimits {
  readonly cellBytes: number
  readonly runBytes: number
  readonly cellOutputs: number
  /** Of the state of all widgets together. */
  readonly widgetBytes: number
}

export const OUTPUT_LIMITS: OutputLimits = {
  cellBytes: 10 * 1024 ** 2,
  runBytes: 50 * 1024 ** 2,
  cellOutputs: 10_000,
  widgetBytes: 10 * 1024 ** 2,
}

/** Whatever holds outputs: a cell, or the state of an Output widget. */
export interface Area {
  outputs: Output[]
}

interface Account {
  bytes: number
  cut?: Cut
}

/** The middle of an area that was left out. */
interface Cut {
  readonly marker: StreamOutput
  /** Of what stays before the marker. */
  readonly headOutputs: number
  readonly headBytes: number
  /** Of what was left out. */
  bytes: number
  outputs: number
}

/** Memory of an output beside its content; without it a million outputs of one byte would count as a megabyte. */
const OVERHEAD_BYTES = 64
/** An end that is full is cut to this share, so that cutting, which costs a copy, comes once for many messages. */
const KEPT = 0.75

/** One per run. `dropped` is told of each output that is stored no longer. */
export class Ledger {
  readonly #limits: OutputLimits
  readonly #streams: Streams
  readonly #dropped: (output: Output) => void
  readonly #sizes = new WeakMap<Output, number>()
  readonly #accounts = new WeakMap<Area, Account>()
  /** Areas that hold something, in the order of their first outputs: those of the run's beginning once it is known, the rest. */
  readonly #beginning = new Set<Area>()
  readonly #rest = new Set<Area>()
  #run = 0

  constructor(limits: OutputLimits, streams: Streams, dropped: (output: Output) => void) {
    // The end of a run has room for at least the whole of its last cell.
    this.#limits = { ...limits, cellBytes: Math.min(limits.cellBytes, Math.floor(limits.runBytes / 2)) }
    this.#streams = streams
    this.#dropped = dropped
  }

  /** By how many bytes an output of the area may grow without another one being cut. */
  room(area: Area): number {
    const { cellBytes, runBytes } = this.#limits
    return Math.max(0, Math.min(cellBytes - this.#accountOf(area).bytes, runBytes - this.#run))
  }

  /** The bytes of an output's content; none for one that is unknown. */
  sizeOf(output: Output): number {
    return this.#charged(output) - OVERHEAD_BYTES
  }

  /** Says how large an output of the area is now, also a new one. `fit` is to follow. */
  resize(area: Area, output: Output, bytes: number): void {
    const before = this.#sizes.get(output) ?? 0
    this.#sizes.set(output, bytes + OVERHEAD_BYTES)
    this.#add(this.#accountOf(area), bytes + OVERHEAD_BYTES - before)
    if (!this.#beginning.has(area)) this.#rest.add(area)
  }

  /** Cuts the area, and earlier ones, until the limits hold. */
  fit(area: Area): void {
    const account = this.#accountOf(area)
    const outputs = area.outputs.length - (account.cut ? 1 : 0)
    if (account.bytes > this.#limits.cellBytes || outputs > this.#limits.cellOutputs) this.#cutMiddle(area, account)
    if (this.#run > this.#limits.runBytes) this.#cutRun(area)
  }

  /** Takes all outputs out of the area; nothing says that they were there. */
  clear(area: Area): void {
    for (const output of area.outputs) this.#dropped(output)
    this.#add(this.#accountOf(area), -this.#accountOf(area).bytes)
    this.#accounts.delete(area)
    this.#beginning.delete(area)
    this.#rest.delete(area)
    area.outputs = []
  }

  #accountOf(area: Area): Account {
    const known = this.#accounts.get(area)
    if (known) return known
    const made: Account = { bytes: 0 }
    this.#accounts.set(area, made)
    return made
  }

  #charged(output: Output): number {
    return this.#sizes.get(output) ?? OVERHEAD_BYTES
  }

  #add(account: Account, bytes: number): void {
    account.bytes += bytes
    this.#run += bytes
  }

  #cutMiddle(area: Area, account: Account): void {
    account.cut ??= this.#openCut(area, account)
    const { cut } = account
    const tail = area.outputs.slice(cut.headOutputs + 1)
    const tailBytes = (this.#limits.cellBytes - cut.headBytes) * KEPT
    const tailOutputs = Math.max(1, Math.floor((this.#limits.cellOutputs - cut.headOutputs) * KEPT))
    let leaving = 0
    for (const output of tail) {
      const excess = account.bytes - cut.headBytes - tailBytes
      if (excess <= 0 && tail.length - leaving <= tailOutputs) break
      const isLast = leaving === tail.length - 1
      if (output.output_type === 'stream' && excess > 0 && (isLast || this.#charged(output) > excess)) {
        this.#shorten(account, cut, output, excess)
        break
      }
      // It says why the run ended, and its size is bounded by itself.
      if (isLast && output.output_type === 'error') break
      this.#leaveOut(account, cut, output)
      leaving += 1
    }
    area.outputs.splice(cut.headOutputs + 1, leaving)
    cut.marker.text = this.#markerText(cut)
  }

  /** Chooses what stays before the middle: whole outputs, and of a stream its first part, up to half of the limits. */
  #openCut(area: Area, account: Account): Cut {
    const { cellBytes, cellOutputs } = this.#limits
    let [headOutputs, headBytes] = [0, 0]
    for (const output of area.outputs.slice(0, Math.floor(cellOutputs / 2))) {
      const left = cellBytes / 2 - headBytes
      // A picture that reaches a little beyond the half is not worth losing; a stream can be parted.
      const reach = output.output_type === 'stream' ? left : cellBytes * KEPT - headBytes
      if (this.#charged(output) > reach) {
        if (output.output_type !== 'stream' || left <= OVERHEAD_BYTES) break
        const { head, headBytes: taken } = this.#streams.takeHead(output, left - OVERHEAD_BYTES)
        this.#sizes.set(head, taken + OVERHEAD_BYTES)
        this.#sizes.set(output, this.#charged(output) - taken)
        this.#add(account, OVERHEAD_BYTES)
        area.outputs.splice(headOutputs, 0, head)
        headBytes += taken + OVERHEAD_BYTES
        headOutputs += 1
        break
      }
      headBytes += this.#charged(output)
      headOutputs += 1
    }
    const marker = emptyMarker()
    area.outputs.splice(headOutputs, 0, marker)
    return { marker, headOutputs, headBytes, bytes: 0, outputs: 0 }
  }

  #shorten(account: Account, cut: Cut, stream: StreamOutput, bytes: number): void {
    const dropped = this.#streams.dropHead(stream, bytes)
    this.#sizes.set(stream, this.#charged(stream) - dropped)
    this.#add(account, -dropped)
    cut.bytes += dropped
  }

  #leaveOut(account: Account, cut: Cut, output: Output): void {
    cut.bytes += this.sizeOf(output)
    cut.outputs += 1
    this.#add(account, -this.#charged(output))
    this.#dropped(output)
  }

  /** Areas after the run's beginning give way as a whole, the oldest first; those of the beginning when no other is left. */
  #cutRun(current: Area): void {
    if (this.#beginning.size === 0) this.#chooseBeginning()
    for (const areas of [this.#rest, this.#beginning]) {
      for (const area of areas) {
        if (this.#run <= this.#limits.runBytes) return
        if (area !== current) this.#empty(area)
      }
    }
  }

  #chooseBeginning(): void {
    let bytes = 0
    for (const area of this.#rest) {
      bytes += this.#accountOf(area).bytes
      if (bytes > this.#limits.runBytes / 2) break
      this.#beginning.add(area)
    }
    for (const area of this.#beginning) this.#rest.delete(area)
  }

  #empty(area: Area): void {
    const account = this.#accountOf(area)
    const { marker, bytes, outputs } = account.cut ?? { marker: emptyMarker(), bytes: 0, outputs: 0 }
    const cut: Cut = { marker, headOutputs: 0, headBytes: 0, bytes, outputs }
    for (const output of area.outputs) if (output !== marker) this.#leaveOut(account, cut, output)
    marker.text = this.#markerText(cut)
    account.cut = cut
    area.outputs = [marker]
    this.#rest.delete(area)
    this.#beginning.delete(area)
  }

  #markerText({ bytes, outputs }: Cut): string {
    const { cellBytes, cellOutputs, runBytes } = this.#limits
    const what = outputs > 1 ? `${inBytes(bytes)} in ${outputs} outputs` : inBytes(bytes)
    const limits = `${inBytes(cellBytes)} or ${cellOutputs} outputs of a cell are kept, ${inBytes(runBytes)} of a run`
    return `[${what} were left out here: at most ${limits}, the beginning and the end of each]\n`
  }
}

/** On stderr, where people look for what went wrong; not opened as a stream, so that it takes no other text. */
const emptyMarker = (): StreamOutput => ({ output_type: 'stream', name: 'stderr', text: '' })

/** A size for people, in the largest unit that leaves a number of at least one. */
export function inBytes(bytes: number): string {
  if (bytes >= 1024 ** 2) return `${Number((bytes / 1024 ** 2).toFixed(1))} MB`
  return bytes >= 1024 ? `${Number((bytes / 1024).toFixed(1))} KB` : `${bytes} bytes`
}
