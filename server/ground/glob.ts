/** The `filter` of lists: `*` is any run of characters, `?` one character, everything else itself, in any case. */

/** The filter that was given; a blank one is none. */
export const givenFilter = (filter: string | undefined): string | undefined => (filter?.trim() ? filter : undefined)

/**
 * The pattern as an argument of PostgreSQL's ILIKE with backslash as its escape character. LIKE goes back only to
 * the last `%`, and runs of `*` are folded into one, so that a pattern cannot cost more than its length times the text.
 */
export const globToLike = (glob: string) =>
  glob
    .replace(/[\\%_]/g, '\\$&')
    .replace(/\*+/g, '%')
    .replace(/\?/g, '_')

/**
 * Whether a whole text is of the pattern, for texts that are here already. Going back only to the last `*` is enough,
 * so it costs at most the one length times the other; a regular expression could take for ever.
 */
export function matchesGlob(glob: string, text: string): boolean {
  // Of code points, as the database counts.
  const [pattern, subject] = [[...glob.toLowerCase()], [...text.toLowerCase()]]
  let [at, next, star, resume] = [0, 0, -1, 0]
  while (next < subject.length) {
    if (pattern[at] === '*') {
      star = at
      at += 1
      resume = next
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === subject[next])) {
      at += 1
      next += 1
    } else if (star >= 0) {
      resume += 1
      at = star + 1
      next = resume
    } else return false
  }
  return pattern.slice(at).every((one) => one === '*')
}
