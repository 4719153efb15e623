/** Finds the place of a fault in JSON that is known to have one, and says what it is. */

import type { JsonLimits } from './json.ts'

export interface Fault {
  readonly path: readonly (string | number)[]
  /** What follows the path in a sentence. */
  readonly says: string
}

/** The first name that its object has already, in text that is JSON. */
export const findDuplicate = (text: string): Fault => ({
  path: walkText(text, Number.POSITIVE_INFINITY),
  says: 'is given twice',
})

/** The first container that is more than so many levels deep. The text may be no JSON otherwise. */
export const findDeep = (text: string, levels: number): Fault => ({
  path: walkText(text, levels),
  says: `is nested more than ${levels} levels deep`,
})

/** A list, or an object, while the text is inside of it. */
interface Open {
  /** Of an object: the names there have been. */
  readonly names: Set<string> | undefined
  /** Of an object: whether a name comes next. */
  wantsName: boolean
  /** The name before the value, or its place in a list. */
  at: string | number
}

/** Stops at a name given twice, or at a container that is too deep, whichever was asked for. */
function walkText(text: string, levels: number): (string | number)[] {
  const open: Open[] = []
  const path = () => open.map(({ at }) => at)
  for (let at = 0; at < text.length; at++) {
    const here = open.at(-1)
    const character = text[at]
    if (character === '"') {
      const from = at
      for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === '\\') at++
      if (!here?.names || !here.wantsName) continue
      here.at = nameOf(text.slice(from, at + 1))
      here.wantsName = false
      if (levels === Number.POSITIVE_INFINITY && here.names.has(here.at)) return path()
      here.names.add(here.at)
    } else if (character === '{' || character === '[') {
      if (open.length >= levels) return path()
      open.push(character === '{' ? anObject() : { names: undefined, wantsName: false, at: 0 })
    } else if (character === '}' || character === ']') open.pop()
    else if (character === ',' && here) {
      if (typeof here.at === 'number') here.at++
      here.wantsName = true
    }
  }
  return []
}

const anObject = (): Open => ({ names: new Set(), wantsName: true, at: '' })

/** `"\u0061"` and `"a"` are one name. */
function nameOf(quoted: string): string {
  try {
    return String(JSON.parse(quoted))
  } catch {
    return quoted
  }
}

/** What a careless merge would assign to a prototype. */
export const isPrototype = (name: string, parent: string) =>
  name.length === 9 && (name === '__proto__' || (name === 'prototype' && parent === 'constructor'))

/** The first value that passes a limit or has a name that may not be; undefined when there is none. */
export function findFault(value: unknown, limits: JsonLimits, path: Fault['path'] = []): Fault | undefined {
  if (typeof value === 'string' && value.length > limits.textLength)
    return { path, says: `must have at most ${limits.textLength} characters` }
  if (typeof value === 'number' && !Number.isFinite(value))
    return { path, says: `must be a number of at most ${Number.MAX_VALUE}` }
  if (typeof value !== 'object' || value === null) return undefined
  const isList = Array.isArray(value)
  const names = Object.keys(value)
  if (!isList && names.length > limits.membersOfOne)
    return { path, says: `must have at most ${limits.membersOfOne} members` }
  for (const name of names) {
    if (name.length > limits.nameLength)
      return { path, says: `has a name of more than ${limits.nameLength} characters` }
    const inside = [...path, isList ? Number(name) : name]
    if (!isList && !limits.takesPrototypes && isPrototype(name, String(path.at(-1) ?? '')))
      return { path: inside, says: 'is a name that is not allowed' }
    const fault = findFault((value as Record<string, unknown>)[name], limits, inside)
    if (fault) return fault
  }
  return undefined
}
