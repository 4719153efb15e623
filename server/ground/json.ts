/**
 * JSON text from outside, bounded before it is a value. One pass over the bytes counts levels and members, JSON.parse does
 * the rest, and a walk over the value counts its members: where there are fewer than in the text, a name was given twice,
 * and what others would read (a proxy, a log, another parser) is not what we read. The place of a fault is looked for by
 * json-fault.ts, so that only texts with one pay for paths. Decision 43 has what the guard costs.
 */

import { isUtf8 } from 'node:buffer'
import { invalid, messageOf } from './errors.ts'
import { type Fault, findDeep, findDuplicate, findFault, isPrototype } from './json-fault.ts'

export interface JsonLimits {
  /** Containers inside of each other; the contract's own shapes have 6. */
  readonly levels: number
  /** Members of all objects together. */
  readonly members: number
  /** Members of one object. */
  readonly membersOfOne: number
  /** Characters of a name. */
  readonly nameLength: number
  /** Characters of a text. */
  readonly textLength: number
  /** Whether `__proto__` and `constructor.prototype` may be names: in a document that is stored and copied into nothing. */
  readonly takesPrototypes: boolean
}

export const JSON_LIMITS: JsonLimits = {
  levels: 32,
  members: 1_000_000,
  membersOfOne: 10_000,
  nameLength: 1024,
  textLength: 4 * 2 ** 20,
  takesPrototypes: false,
}

/**
 * The value of JSON text; `name` is what messages call it, and the root of the paths they name. A byte order mark at the
 * front is passed over, as RFC 8259 §8.1 allows.
 * @throws invalid for what is no JSON in UTF-8, passes a limit, gives a name twice, reaches for a prototype, or has a
 * number that is too large to be one
 */
export function parseJson(json: Buffer | string, name: string, limits = JSON_LIMITS): unknown {
  const bytes = typeof json === 'string' ? Buffer.from(json) : json
  if (!isUtf8(bytes)) throw invalid(`${name} must be JSON text in UTF-8`)
  const text = withoutMark(bytes.toString())
  const members = membersIn(bytes, limits.levels)
  if (members === TOO_DEEP) throw told(name, findDeep(text, limits.levels))
  if (members > limits.members) throw invalid(`${name} must have at most ${limits.members} members in all its objects`)
  const value = parse(text, name)
  if (membersOf(value, '', limits) === members) return value
  throw told(name, findFault(value, limits) ?? findDuplicate(text))
}

const withoutMark = (text: string) => (text.charCodeAt(0) === 0xfeff ? text.slice(1) : text)

function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw invalid(`${name} must be JSON text: ${messageOf(cause)}`, cause)
  }
}

const [QUOTE, BACKSLASH, COLON] = [0x22, 0x5c, 0x3a]
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]
const TOO_DEEP = -1

/** How many members the text has. All bytes of interest are ASCII, which no other character of UTF-8 contains. */
function membersIn(bytes: Uint8Array, levels: number): number {
  let level = 0
  let members = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) {
      for (at++; at < bytes.length && bytes[at] !== QUOTE; at++) if (bytes[at] === BACKSLASH) at++
    } else if (byte === COLON) members++
    else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
      if (++level > levels) return TOO_DEEP
    } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) level--
  }
  return members
}

/** How many members the value has; NaN, which no sum gets rid of, for a value with a fault. */
function membersOf(value: unknown, parent: string, limits: JsonLimits): number {
  if (typeof value === 'string') return value.length > limits.textLength ? Number.NaN : 0
  if (typeof value === 'number') return Number.isFinite(value) ? 0 : Number.NaN
  if (typeof value !== 'object' || value === null) return 0
  let inside = 0
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) inside += membersOf(value[index], '', limits)
    return inside
  }
  let own = 0
  // Nothing that JSON.parse made inherits anything, and a list of entries would cost as much as all the rest.
  for (const name in value) {
    own++
    if (name.length > limits.nameLength || (isPrototype(name, parent) && !limits.takesPrototypes)) return Number.NaN
    inside += membersOf((value as Record<string, unknown>)[name], name, limits)
  }
  return own > limits.membersOfOne ? Number.NaN : own + inside
}

const MAX_SEGMENT = 100
const MAX_PATH = 300

/** Paths as the contract's checks write them; names of others are shortened, and show no line breaks. */
function told(name: string, { path, says }: Fault) {
  const segments = path.map((segment) => JSON.stringify(shorten(String(segment), MAX_SEGMENT)).slice(1, -1))
  return invalid(`${shorten([name, ...segments].join('.'), MAX_PATH)} ${says}`)
}

const shorten = (text: string, most: number) => (text.length > most ? `${text.slice(0, most)}…` : text)
