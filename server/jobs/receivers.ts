/**
 * Turns for each receiver, and for each application that tells, so that one that is slow, or has very many, holds up nobody
 * else: a few deliveries at a time are its own, and the others wait in the queue for about as long as it will take to come
 * to them.
 */

const SHORTEST_MS = 250
const LONGEST_MS = 600_000
/** What a delivery to an unknown receiver is expected to take. */
const FIRST_GUESS_MS = 200
/** Weight of what the newest delivery took. */
const NEWEST = 0.3
/** Receivers that are remembered; those without a delivery under way are forgotten first. */
const REMEMBERED = 10_000

interface Receiver {
  underWay: number
  typicalMs: number
  /** Until when those that were told to wait will keep it busy. */
  bookedUntilMs: number
}

export interface Receivers {
  /** 0 when a delivery may go now, and it counts as under way; otherwise how many ms it is to wait. */
  admit(name: string, nowMs: number): number
  /** A delivery that was admitted has ended, whichever way. */
  done(name: string, tookMs: number): void
  /** One that was admitted here and not elsewhere is not made. */
  release(name: string): void
}

/** Nobody known, nothing under way; at most `most` deliveries at a time for each. */
export function createReceivers(most: number): Receivers {
  const known = new Map<string, Receiver>()
  const receiverOf = (name: string): Receiver => {
    const found = known.get(name)
    if (found) return found
    if (known.size >= REMEMBERED) for (const [other, { underWay }] of known) if (underWay === 0) known.delete(other)
    const fresh = { underWay: 0, typicalMs: FIRST_GUESS_MS, bookedUntilMs: 0 }
    known.set(name, fresh)
    return fresh
  }
  return {
    admit: (name, nowMs) => {
      const receiver = receiverOf(name)
      if (receiver.underWay < most) {
        receiver.underWay++
        return 0
      }
      receiver.bookedUntilMs = Math.max(receiver.bookedUntilMs, nowMs) + receiver.typicalMs / most
      return Math.min(LONGEST_MS, Math.max(SHORTEST_MS, receiver.bookedUntilMs - nowMs))
    },
    release: (name) => {
      const receiver = receiverOf(name)
      receiver.underWay = Math.max(0, receiver.underWay - 1)
    },
    done: (name, tookMs) => {
      const receiver = receiverOf(name)
      receiver.underWay = Math.max(0, receiver.underWay - 1)
      receiver.typicalMs += NEWEST * (tookMs - receiver.typicalMs)
    },
  }
}
