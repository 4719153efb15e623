/**
 * The Handlebars helpers of the original (behaviour dossier §5) but those that need the engine itself, see `compile.ts`.
 * Every helper takes what it is given and never throws for a missing value; what it makes is bounded in size.
 */

import { collections, namedCollections } from './collections.ts'
import { conditions } from './conditions.ts'
import { dates } from './dates.ts'
import { encodings } from './encodings.ts'
import { formats } from './formats.ts'
import { markup } from './markup.ts'
import { numbers } from './numbers.ts'
import { positions } from './positions.ts'
import { texts } from './texts.ts'
import { bounded, type Charge, type NamedHelper, type ValueHelper, workOf } from './values.ts'

/** Markdown takes about this many times as long for a character as everything else. */
const MARKDOWN_FACTOR = 16

/** A date costs about as much as this many numbers or short texts. */
const DATE_UNITS = 5

export interface Options {
  readonly fn?: (context: unknown) => string
  readonly inverse?: (context: unknown) => string
  readonly hash: Readonly<Record<string, unknown>>
  readonly data: { readonly root: unknown }
}

/** As a block it chooses between its two parts, inline it gives true or false. */
export function choose(self: unknown, holds: boolean, options: Options): string | boolean {
  if (!options.fn) return holds
  return holds ? options.fn(self) : (options.inverse?.(self) ?? '')
}

/** Handlebars hands its options to every helper as the last argument; a value that was left out must not become them. */
export function argumentsOf(given: readonly unknown[]): { values: unknown[]; options: Options } {
  // The last argument is always Handlebars' own.
  return { values: given.slice(0, -1), options: given.at(-1) as Options }
}

/** The helpers; each call charges for what it is given and what it gives. */
export function helpersWith(charge: Charge) {
  const paid = (values: readonly unknown[], units: number, factor = 1) => charge(units + workOf(values, factor))
  const condition = (holds: (a: unknown, b: unknown) => boolean) =>
    function (this: unknown, ...given: unknown[]) {
      const { values, options } = argumentsOf(given)
      paid(values, 1)
      return choose(this, holds(values[0], values[1]), options)
    }
  const valuedAt =
    (factor: number) =>
    (compute: ValueHelper) =>
    (...given: unknown[]) => {
      const { values } = argumentsOf(given)
      paid(values, 1, factor)
      return bounded(compute(...values))
    }
  const plain = [numbers, texts, collections, encodings, formats, positions]
  const named =
    (compute: NamedHelper) =>
    (...given: unknown[]) => {
      const { values, options } = argumentsOf(given)
      paid(values, DATE_UNITS)
      return bounded(compute(values, options.hash))
    }
  return Object.fromEntries([
    ...mapped(conditions, condition),
    ...plain.flatMap((table) => mapped(table, valuedAt(1))),
    ...mapped(markup, valuedAt(MARKDOWN_FACTOR)),
    ...[namedCollections, dates].flatMap((table) => mapped(table, named)),
  ])
}

const mapped = <T, U>(table: Record<string, T>, change: (entry: T) => U): [string, U][] =>
  Object.entries(table).map(([name, entry]) => [name, change(entry)])
