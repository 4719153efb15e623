/** Paths of files: what a name and a directory may be, and the one way in which each is kept. */

import { invalid } from '../../ground/errors.ts'
import { isStorable } from '../../ground/storable.ts'

/** Characters of a name, and of a directory's path (schema of the published API). */
const MAX_LENGTH = 1024

/** The path of a directory's entry. */
export const pathIn = (directory: string, name: string) => (directory === '/' ? `/${name}` : `${directory}/${name}`)

/** A directory as the API shows it: with a slash at its end, so that directory and name together are a path. */
export const shownDirectory = (directory: string) => (directory === '/' ? '/' : `${directory}/`)

/**
 * A name of 1 to 1024 characters, in any script and case, that is one step of a path.
 * @param field what the refusal calls it
 * @throws invalid
 */
export function requireName(name: string, field = ''): string {
  if (name === '' || isTooLong(name) || name.includes('/') || /^\.{1,2}$/.test(name) || !isStorable(name)) {
    throw invalid(
      `${field && `${field} `}"${shown(name)}" is not a file name: it must have 1 to ${MAX_LENGTH} characters, no "/", and not be "." or ".."`,
    )
  }
  return name
}

/**
 * A directory as it is kept: `/a/b`, and `/` for the root. Slashes at the start and the end may be missing, and several
 * are as good as one.
 * @throws invalid for `.`, `..`, and more than 1024 characters
 */
export function normalDirectory(text: string, field = ''): string {
  const parts = text.split('/').filter(Boolean)
  const directory = `/${parts.join('/')}`
  if (parts.some((part) => /^\.{1,2}$/.test(part)) || isTooLong(directory) || !isStorable(text)) {
    throw invalid(
      `${field && `${field} `}"${shown(text)}" is not a directory: names between slashes, of ${MAX_LENGTH} characters together, none of them "." or ".."`,
    )
  }
  return directory
}

/** A path of a file, split as it is kept. @throws invalid as the two above */
export function splitPath(path: string, field = ''): { directory: string; name: string } {
  const slash = path.lastIndexOf('/')
  return {
    directory: normalDirectory(path.slice(0, Math.max(0, slash)), field),
    name: requireName(path.slice(slash + 1), field),
  }
}

/** A path below a directory, split as it is kept: `a/b.txt` below `/x` is `b.txt` in `/x/a`. */
export function splitBelow(top: string, path: string): { directory: string; name: string } {
  const slash = path.lastIndexOf('/')
  const [above, name] = [path.slice(0, Math.max(0, slash)), path.slice(slash + 1)]
  return { directory: above === '' ? top : pathIn(top, above), name }
}

export interface Step {
  readonly directory: string
  readonly name: string
  readonly path: string
}

/**
 * The order in which entries are locked: a directory before what is in it, and otherwise by name. With the least of all
 * characters between its steps a path sorts before everything below it.
 */
export const byStep = (a: Place, b: Place): number => {
  const [left, right] = [sortable(pathIn(a.directory, a.name)), sortable(pathIn(b.directory, b.name))]
  return left < right ? -1 : Number(left > right)
}

type Place = Pick<Step, 'directory' | 'name'>

/** A path as text that sorts by steps. */
export const sortable = (path: string) => path.replaceAll('/', '\0')

/** The names on the way to a directory, each with the directory it lies in, from the top down. */
export function stepsTo(directory: string): Step[] {
  const parts = directory.split('/').filter(Boolean)
  return parts.map((name, index) => {
    const above = `/${parts.slice(0, index).join('/')}`
    return { directory: above, name, path: pathIn(above, name) }
  })
}

/** Whether a directory with this path could have anything in it. */
export const canHold = (path: string) => !isTooLong(path)

/** Whether a path is that of a directory or lies anywhere below it. */
export const isWithin = (path: string, directory: string) =>
  directory === '/' || path === directory || path.startsWith(`${directory}/`)

/** Counts characters as the schema does, not halves of surrogate pairs. */
const isTooLong = (text: string) => text.length > MAX_LENGTH && [...text].length > MAX_LENGTH

const shown = (text: string) => ([...text].length > 100 ? `${[...text].slice(0, 100).join('')}…` : text)
