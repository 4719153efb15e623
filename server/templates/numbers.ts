/** Helpers for numbers (behaviour dossier §5); arguments are cast, what is no number prints NaN. */

import { numberOf, type ValueHelper } from './values.ts'

export const numbers: Record<string, ValueHelper> = {
  add: (a, b) => numberOf(a) + numberOf(b),
  subtract: (a, b) => numberOf(a) - numberOf(b),
  multiply: (a, b) => numberOf(a) * numberOf(b),
  divide: (a, b) => numberOf(a) / numberOf(b),
  ceil: (value) => Math.ceil(numberOf(value)),
  floor: (value) => Math.floor(numberOf(value)),
  max: (...values) => (values.length > 0 ? Math.max(...values.map(numberOf)) : undefined),
  min: (...values) => (values.length > 0 ? Math.min(...values.map(numberOf)) : undefined),
  scaleLinear,
}

/** From the range `fromLow…fromHigh` to the same place in `toLow…toHigh`, also beyond its ends. */
function scaleLinear(...given: unknown[]): number {
  const [fromLow = Number.NaN, fromHigh = Number.NaN, toLow = Number.NaN, toHigh = Number.NaN, value = Number.NaN] =
    given.map(numberOf)
  return toLow + ((value - fromLow) / (fromHigh - fromLow)) * (toHigh - toLow)
}
