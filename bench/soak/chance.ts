/** Chance that can be repeated: the same seed gives the same choices, as far as the machine's own timing lets them matter. */

export interface Chance {
  /** From `from` up to, not including, `to`. */
  between(from: number, to: number): number
  /** One of the items, each as likely as its weight says. */
  pick<T>(items: readonly (T & { readonly weight: number })[]): T
  one<T>(items: readonly T[]): T | undefined
}

/** The generator mulberry32 (32 bits of state), plenty for choosing faults. */
export function createChance(seed: number): Chance {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    between: (from, to) => from + next() * (to - from),
    pick: (items) => {
      let left = next() * items.reduce((sum, { weight }) => sum + weight, 0)
      const chosen = items.find(({ weight }) => {
        left -= weight
        return left < 0
      })
      const last = chosen ?? items.at(-1)
      if (!last) throw new Error('there is nothing to choose from')
      return last
    },
    one: (items) => items[Math.floor(next() * items.length)],
  }
}
