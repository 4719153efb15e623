/**
 * When a running cell has taken too long, in all or without a word. The decision is a pure function of three moments; the
 * clock beside it only asks at the right times.
 */

export interface TimeLimits {
  /** Of one cell, from its request on. */
  readonly cellMs?: number
  /** Without any message from the kernel while a cell runs. */
  readonly silenceMs?: number
}

/** `CellTimeout`: the cell ran longer than a cell may. `Silent`: the kernel said nothing for too long. */
export interface Overdue {
  readonly cause: 'CellTimeout' | 'Silent'
  readonly limitMs: number
}

interface Moments {
  readonly startedMs: number
  readonly heardMs: number
  readonly nowMs: number
}

/** The limit that was passed first, or in how many milliseconds the next one can be; undefined without limits. */
export function overdueAt(limits: TimeLimits, moments: Moments): Overdue | { readonly dueInMs: number } | undefined {
  const { cellMs, silenceMs } = limits
  const ends = [
    ...(cellMs === undefined
      ? []
      : [{ cause: 'CellTimeout' as const, limitMs: cellMs, at: moments.startedMs + cellMs }]),
    ...(silenceMs === undefined
      ? []
      : [{ cause: 'Silent' as const, limitMs: silenceMs, at: moments.heardMs + silenceMs }]),
  ].sort((one, other) => one.at - other.at)
  const [next] = ends
  if (!next) return undefined
  const { cause, limitMs, at } = next
  return at <= moments.nowMs ? { cause, limitMs } : { dueInMs: at - moments.nowMs }
}

export interface Watch extends Disposable {
  /** The kernel said something. */
  heard(): void
  /** Which limit the cell has passed, once it has; no later cause replaces it. */
  overdue(): Overdue | undefined
}

/** Longer than the longest timer of Node, which would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

/** Watches one cell from now on, until it is disposed; `onOverdue` is called once at most, and never after `signal` was aborted. */
export function watchCell(
  limits: TimeLimits,
  onOverdue: (overdue: Overdue) => void,
  signal: AbortSignal | undefined,
): Watch {
  const startedMs = performance.now()
  let heardMs = startedMs
  let overdue: Overdue | undefined
  let timer: NodeJS.Timeout | undefined
  const look = () => {
    const found = overdueAt(limits, { startedMs, heardMs, nowMs: performance.now() })
    if (!found || signal?.aborted) return
    if ('dueInMs' in found) {
      timer = setTimeout(look, Math.min(Math.ceil(found.dueInMs), MAX_TIMER_MS))
    } else {
      overdue = found
      onOverdue(found)
    }
  }
  look()
  return {
    // A message must cost no timer of its own: there may be a million.
    heard: () => {
      heardMs = performance.now()
    },
    overdue: () => overdue,
    [Symbol.dispose]: () => clearTimeout(timer),
  }
}
