/** Helpers that encode and decode: addresses, Base64, JSON (behaviour dossier §5). */

import { isComposite, MAX_SIZE, sizeOf, textOf, type ValueHelper } from './values.ts'

export const encodings: Record<string, ValueHelper> = {
  encodeURI: (value) => encodeURI(textOf(value)),
  decodeURI: (value) => decodeURI(textOf(value)),
  encodeURIComponent: (value) => encodeURIComponent(textOf(value)),
  decodeURIComponent: (value) => decodeURIComponent(textOf(value)),
  encodeBase64: (value) => Buffer.from(textOf(value)).toString('base64'),
  decodeBase64: (value) => Buffer.from(textOf(value), 'base64').toString(),
  queryStringEncode: (value) => (isComposite(value) ? pairsOf('', value, { characters: 0 }).join('&') : ''),
  jsonEncode,
  /** Nothing for text that is not JSON. */
  jsonDecode: (value) => {
    try {
      return JSON.parse(textOf(value))
    } catch {
      return undefined
    }
  },
}

/** The largest indentation JSON.stringify makes. */
const MAX_SPACES = 10

function jsonEncode(value: unknown, spaces: unknown): string {
  const { characters, depth } = sizeOf(value)
  const indent = typeof spaces === 'number' || typeof spaces === 'string' ? spaces : undefined
  const width = typeof indent === 'string' ? indent.length : Math.max(0, indent ?? 0)
  if (characters * (1 + depth * Math.min(width, MAX_SPACES)) > MAX_SIZE) {
    throw new Error(`"jsonEncode" makes more than ${MAX_SIZE} characters`)
  }
  return JSON.stringify(value, null, indent) ?? ''
}

/**
 * `a=1`, `a[b]=1` and `a[0]=1`, names and values encoded: what the `qs` library makes. A long name above many values
 * would be repeated for each of them, so what is `made` of it all is counted.
 */
function pairsOf(prefix: string, value: Record<string, unknown>, made: { characters: number }): string[] {
  return Object.entries(value).flatMap(([key, child]) => {
    const name = prefix === '' ? key : `${prefix}[${key}]`
    if (isComposite(child)) return pairsOf(name, child, made)
    made.characters += name.length
    if (made.characters > MAX_SIZE) throw new Error(`"queryStringEncode" makes more than ${MAX_SIZE} characters`)
    return child === undefined ? [] : [`${encodeURIComponent(name)}=${encodeURIComponent(textOf(child))}`]
  })
}
