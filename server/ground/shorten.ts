/** Text of others in messages of ours. */

const MOST = 60

/** A text as it may stand in a message: its beginning when it is long, so that a message never carries a request back. */
export function shorten(text: string, most: number = MOST): string {
  if (text.length <= most) return text
  // A pair of surrogates stays whole: half of one is no text.
  const end = /[\uD800-\uDBFF]$/.test(text.slice(0, most)) ? most - 1 : most
  return `${text.slice(0, end)}…`
}
