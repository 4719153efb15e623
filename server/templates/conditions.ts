/** Conditions (behaviour dossier §5): as a block each chooses between its two parts, inline it gives true or false. */

import { includesValue } from './collections.ts'

export const conditions: Record<string, (a: unknown, b: unknown) => boolean> = {
  eq: (a, b) => comparable(a) === comparable(b),
  ne: (a, b) => comparable(a) !== comparable(b),
  gt: ordered((a, b) => a > b),
  gte: ordered((a, b) => a >= b),
  lt: ordered((a, b) => a < b),
  lte: ordered((a, b) => a <= b),
  includes: includesValue,
}

/** A date is what it prints. */
const comparable = (value: unknown) => (value instanceof Date ? value.toISOString() : value)

/** Text is compared with text as text, everything else as numbers. */
function ordered(compare: (a: number | string, b: number | string) => boolean) {
  return (a: unknown, b: unknown) => {
    const [left, right] = [comparable(a), comparable(b)]
    return typeof left === 'string' && typeof right === 'string'
      ? compare(left, right)
      : compare(Number(left), Number(right))
  }
}
