/** The `filter` of lists: `*` is any run of characters, `?` one character, everything else itself, in any case. */

/**
 * The pattern as an argument of PostgreSQL's ILIKE with backslash as its escape character. LIKE backtracks only on
 * `%`, and runs of `*` are folded into one, so that a hostile pattern cannot cost more than its length times the text.
 */
export const globToLike = (glob: string) =>
  glob
    .replace(/[\\%_]/g, '\\$&')
    .replace(/\*+/g, '%')
    .replace(/\?/g, '_')
