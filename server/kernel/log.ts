/**
 * A run's text for its two log files, in the order in which it was written: streams as they came, tracebacks without
 * colours. Bounded like a run's outputs: the beginning is written at once, the end when the run has ended.
 */
import type { RunEvent } from './events.ts'
import { inBytes } from './ledger.ts'
import { withoutColours } from './terminal.ts'

type Name = 'stdout' | 'stderr'

export interface RunLog {
  take(event: RunEvent): void
  /** Writes what was kept of the end, and before it how much was left out. */
  end(): void
}

/** The kept end is shortened when it has grown to twice what it may be: a copy for many messages. */
const SLACK = 2

/** Half of `limitBytes` (UTF-16 units, in truth) is for the beginning, half for the end. */
export function createLog(limitBytes: number, write: (name: Name, text: string) => void): RunLog {
  const half = Math.floor(limitBytes / 2)
  let written = 0
  let last: { name: Name; text: string }[] = []
  let lastLength = 0
  let leftOut = 0

  const shorten = () => {
    let excess = lastLength - half
    const kept = last.flatMap((piece) => {
      const cut = Math.min(Math.max(excess, 0), piece.text.length)
      excess -= cut
      return cut < piece.text.length ? [{ ...piece, text: piece.text.slice(cut) }] : []
    })
    leftOut += Math.max(0, lastLength - half)
    lastLength = Math.min(lastLength, half)
    last = kept
  }
  const add = (name: Name, text: string) => {
    const now = text.slice(0, Math.max(0, half - written))
    written += now.length
    if (now !== '') write(name, now)
    if (now.length === text.length) return
    const later = text.slice(now.length)
    last.push({ name, text: later })
    lastLength += later.length
    if (lastLength > half * SLACK) shorten()
  }
  return {
    take: (event) => {
      if (event.type === 'stream') add(event.name, event.text)
      if (event.type === 'error') add('stderr', `${withoutColours(event.traceback.join('\n'))}\n`)
    },
    end: () => {
      shorten()
      if (leftOut > 0) {
        const note = `\n[${inBytes(leftOut)} were left out here: at most ${inBytes(limitBytes)} are kept]\n`
        for (const name of new Set(last.map((piece) => piece.name))) write(name, note)
      }
      for (const { name, text } of last) write(name, text)
      last = []
      lastLength = 0
    },
  }
}
