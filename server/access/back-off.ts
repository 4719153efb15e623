/**
 * How long to wait after failed sign-ins. Failures are counted twice: of an account from one network, and of an account
 * from all networks it has never signed in from. The first stops who guesses from one place after a few tries. The second
 * stops who guesses from a thousand places, after more; it does not reach the networks where the account's user has signed
 * in before, because whoever could lock everybody out of an account would.
 */

/** A rule for one of the two counts. */
export interface BackOff {
  /** Failures without any wait; the one after them brings the first. */
  readonly free: number
  readonly firstSeconds: number
}

export const OF_NETWORK: BackOff = { free: 4, firstSeconds: 2 }
export const OF_ACCOUNT: BackOff = { free: 49, firstSeconds: 30 }

/** The longest wait. Nobody gets more than a hundred tries a day past the free ones. */
export const MOST_SECONDS = 900

/** A count without a failure for this long begins anew. */
export const FORGOTTEN_HOURS = 24

/** How long a network where somebody signed in stays one of theirs. */
export const FAMILIAR_DAYS = 90

/** Seconds to wait after so many failures: none, and then twice as many each time. */
export function waitAfter(failures: number, { free, firstSeconds }: BackOff): number {
  if (failures <= free) return 0
  return Math.min(MOST_SECONDS, firstSeconds * 2 ** Math.min(failures - free - 1, 20))
}
