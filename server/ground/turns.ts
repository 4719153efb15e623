/** Turns: a bound on how much of something goes on at once. */

/**
 * Does the work when it is its turn, first come, first served; gives and throws what the work does. Once the signal aborts
 * a wait is over, with its reason.
 */
export type Turns = <T>(work: () => Promise<T>, signal?: AbortSignal) => Promise<T>

/** Lets at most `most` go on at once. */
export function createTurns(most: number): Turns {
  const waiting: (() => void)[] = []
  let free = most
  const wait = (signal: AbortSignal | undefined) =>
    new Promise<void>((resolve, reject) => {
      const leave = () => {
        waiting.splice(waiting.indexOf(begin), 1)
        reject(signal?.reason)
      }
      const begin = () => {
        signal?.removeEventListener('abort', leave)
        resolve()
      }
      waiting.push(begin)
      signal?.addEventListener('abort', leave, { once: true })
    })
  return async (work, signal) => {
    signal?.throwIfAborted()
    if (free > 0) free -= 1
    else await wait(signal)
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free += 1
    }
  }
}

/** Lets at most `most` go on at once for each key, whatever the others do; keys nobody works for take nothing. */
export function createTurnsByKey(most: number): (key: string) => Turns {
  const rows = new Map<string, { readonly turns: Turns; users: number }>()
  return (key) => async (work, signal) => {
    const row = rows.get(key) ?? { turns: createTurns(most), users: 0 }
    rows.set(key, row)
    row.users += 1
    try {
      return await row.turns(work, signal)
    } finally {
      row.users -= 1
      if (row.users === 0) rows.delete(key)
    }
  }
}
