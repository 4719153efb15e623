/**
 * How many requests a caller, or an address, may make in a time. Time is cut into windows that begin at the same moments on
 * every machine, and each is counted by itself: so a count is one number, and all that is kept is of the present window. In
 * the worst case a caller makes twice as many, at the end of one window and the beginning of the next.
 */

import type { Rate } from '../ground/config.ts'

/** How a caller stands after a request. */
export interface Standing {
  readonly limit: number
  readonly remaining: number
  /** Seconds until the next window, rounded up. */
  readonly resetSeconds: number
  /** Whether the request is one too many. */
  readonly isOver: boolean
}

/** What was counted here and is to be added to what others see. */
export interface Pending {
  readonly bucket: string
  readonly key: string
  readonly windowEnd: number
  readonly hits: number
}

interface Count {
  /** All that is known of, also what other processes counted. */
  total: number
  /** Of these, what only this process knows. */
  pending: number
}

/** A window cannot be made to hold more callers than this; those beyond share one count. About 20 MB. */
const MAX_KEYS = 100_000
const EVERYBODY_ELSE = '*'

/** The counts of the present window of one kind of request. */
export class Bucket {
  readonly name: string
  readonly #rate: Rate
  readonly #maxKeys: number
  #windowEnd = 0
  #counts = new Map<string, Count>()

  constructor(name: string, rate: Rate, maxKeys = MAX_KEYS) {
    this.name = name
    this.#rate = rate
    this.#maxKeys = maxKeys
  }

  /** Counts a request. One that is too many is not counted, so that whoever waits is let in again. */
  hit(key: string, now: number): Standing {
    const count = this.#countOf(key, now)
    const isOver = count.total >= this.#rate.limit
    if (!isOver) {
      count.total++
      count.pending++
    }
    const remaining = Math.max(0, this.#rate.limit - count.total)
    return { limit: this.#rate.limit, remaining, resetSeconds: Math.ceil((this.#windowEnd - now) / 1000), isOver }
  }

  /** Takes back a request that turned out to be none of those that count, if its window is still the present one. */
  giveBack(key: string, now: number): void {
    const count = this.#countOf(key, now)
    if (count.total === 0) return
    count.total--
    count.pending--
  }

  /** What others do not know yet. From then on they do. */
  takePending(now: number): Pending[] {
    this.#turn(now)
    const taken = [...this.#counts].flatMap(([key, count]) => {
      const hits = count.pending
      count.pending = 0
      return hits === 0 ? [] : [{ bucket: this.name, key, windowEnd: this.#windowEnd, hits }]
    })
    return taken
  }

  /** Takes over what all processes counted together. What was counted here meanwhile comes on top. */
  learn(key: string, windowEnd: number, total: number): void {
    const count = this.#counts.get(key)
    if (count && windowEnd === this.#windowEnd) count.total = Math.max(0, total + count.pending)
  }

  #countOf(key: string, now: number): Count {
    this.#turn(now)
    const known = this.#counts.get(key)
    if (known) return known
    const name = this.#counts.size < this.#maxKeys ? key : EVERYBODY_ELSE
    const count = this.#counts.get(name) ?? { total: 0, pending: 0 }
    this.#counts.set(name, count)
    return count
  }

  /** Counts of a window that is over are nobody's business. A clock that was set back begins anew as well. */
  #turn(now: number): void {
    const end = (Math.floor(now / this.#rate.windowMs) + 1) * this.#rate.windowMs
    if (end === this.#windowEnd) return
    this.#windowEnd = end
    this.#counts = new Map()
  }
}
