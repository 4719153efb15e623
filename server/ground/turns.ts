/** Turns: a bound on how much of something goes on at once. */

/** Does the work when it is its turn, first come, first served; gives and throws what the work does. */
export type Turns = <T>(work: () => Promise<T>) => Promise<T>

/** Lets at most `most` go on at once. */
export function createTurns(most: number): Turns {
  const waiting: (() => void)[] = []
  let free = most
  return async (work) => {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free += 1
    }
  }
}
