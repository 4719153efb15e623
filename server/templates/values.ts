/** Values as the helpers of templates take them, and how large one may become on its way into a text. */

/** A helper that makes a value of its arguments; the same functions can be called in expressions. */
export type ValueHelper = (...values: unknown[]) => unknown

/** One that also takes named arguments, as in `{{formatDate at tz="Europe/Berlin"}}`. */
export type NamedHelper = (values: readonly unknown[], named: Readonly<Record<string, unknown>>) => unknown

/** Characters of the largest value within a template, which renders to 8,192 at most. */
export const MAX_SIZE = 1_000_000

const MAX_DEPTH = 100

/** What prints: nothing for nothing. */
export const textOf = (value: unknown): string => (value === undefined || value === null ? '' : String(value))

/** Cast as JavaScript casts: NaN for what is no number. */
export const numberOf = (value: unknown): number => Number(value)

/** An object or an array, not a date. */
export const isComposite = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !(value instanceof Date)

/** The property an object, array or text has itself, never one of a prototype. */
export function ownOf(value: unknown, key: string): unknown {
  if (typeof value === 'string') return key === 'length' ? value.length : value[indexOf(key)]
  return isComposite(value) && Object.hasOwn(value, key) ? value[key] : undefined
}

const indexOf = (key: string) => (/^\d{1,9}$/.test(key) ? Number(key) : -1)

/** The steps of a path as `a.b.[0]`. */
export const partsOf = (path: string): readonly string[] =>
  path.split('.').map((part) => part.replace(/^\[(.*)\]$/, '$1'))

/** What a path leads to. */
export const atPath = (value: unknown, path: readonly string[]): unknown => path.reduce(ownOf, value)

interface Size {
  readonly characters: number
  readonly depth: number
}

/** Sizes of objects already looked through; the values of a rendering never change. */
const sizes = new WeakMap<object, Size>()

/**
 * About how long a value is as JSON, and how deep. Values may hold another one many times over: `array this this`,
 * within itself thirty times, would be a billion of them once it is printed.
 * @throws when it is too large to be used
 */
export function sizeOf(value: unknown, level = 0): Size {
  if (typeof value === 'string') return checked({ characters: value.length + 3, depth: 0 })
  if (!isComposite(value)) return { characters: 24, depth: 0 }
  const known = sizes.get(value)
  if (known) return known
  if (level > MAX_DEPTH) throw new Error(`a value is nested more than ${MAX_DEPTH} levels deep`)
  let [characters, depth] = [2, 0]
  for (const [key, child] of Object.entries(value)) {
    const inner = sizeOf(child, level + 1)
    characters += inner.characters + (Array.isArray(value) ? 0 : key.length + 3)
    depth = Math.max(depth, inner.depth)
    checked({ characters, depth: depth + 1 })
  }
  const size = { characters, depth: depth + 1 }
  sizes.set(value, size)
  return size
}

function checked(size: Size): Size {
  if (size.characters > MAX_SIZE) throw new Error(`a value has more than ${MAX_SIZE} characters`)
  if (size.depth > MAX_DEPTH) throw new Error(`a value is nested more than ${MAX_DEPTH} levels deep`)
  return size
}

/** The value, if it may be used further. @throws when it is too large */
export function bounded<T>(value: T): T {
  sizeOf(value)
  return value
}

/** Counts work of the rendering under way; throws when it is too much. */
export type Charge = (units: number) => void

/** Characters that one unit of work goes through: about a microsecond. */
const CHARACTERS_A_UNIT = 64

/** Units of work that it is to go through the values, `factor` times. @throws when one is too large */
export const workOf = (values: readonly unknown[], factor = 1): number =>
  Math.ceil((values.reduce<number>((sum, value) => sum + sizeOf(value).characters, 0) * factor) / CHARACTERS_A_UNIT)
