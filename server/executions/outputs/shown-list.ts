/** Names that a notebook made up, in a sentence for its owner. Pure. */

/** As many as a person reads; the number of all is told beside them. */
const MOST = 20
const LONGEST = 100

/** The first twenty in quotes, shortened, and how many more there are. */
export function shownList(names: readonly string[]): string {
  const shown = names.slice(0, MOST).map((name) => `"${shownName(name)}"`)
  const more = names.length - shown.length
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

/** Of a directory: what was left out of it, told one by one as far as `told` goes, and how many there were. */
export function leftOut(told: readonly string[], count = told.length): string {
  const more = count - Math.min(told.length, MOST)
  const what = count === 1 ? 'one of its files or folders was' : `${count} of its files and folders were`
  return `${what} left out: ${told.slice(0, MOST).join('; ')}${more > 0 ? `; and ${more} more` : ''}`
}

/** At most a hundred characters; those that steer a terminal or turn the direction of text are written as their numbers. */
export const shownName = (name: string): string => {
  const shown = name.replace(/[\p{Cc}\p{Bidi_Control}]/gu, (character) => {
    return `\\u${character.codePointAt(0)?.toString(16).padStart(4, '0')}`
  })
  const characters = [...shown]
  return characters.length > LONGEST ? `${characters.slice(0, LONGEST).join('')}…` : shown
}
