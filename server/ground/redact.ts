/** Takes secrets out of what is about to be logged: by the name of a field, and by what text looks like. Pure. */

const HIDDEN = '***'
const SECRET_NAME = /pass(?:word|phrase)|secret|token|authorization|cookie|signature|credential|(?:api|private)_?key/i
const DEPTH = 6

/** User and password of a URL, values of a query, credentials of a header, and signed tokens. */
export const redactText = (text: string): string =>
  text
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#@"']+@/gi, `$1${HIDDEN}@`)
    .replace(/([?&][^=&\s#"']{1,100}=)[^&\s#"'<>]+/g, `$1${HIDDEN}`)
    .replace(/\b(bearer|basic|jwt) +[\w.~+/=-]{8,}/gi, `$1 ${HIDDEN}`)
    .replace(/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, HIDDEN)

/** A value with its secrets hidden. Errors keep their text; other things that are no plain data stay as they are. */
export function redactValue(value: unknown, depth = DEPTH): unknown {
  if (typeof value === 'string') return redactText(value)
  if (typeof value !== 'object' || value === null || depth === 0) return value
  if (value instanceof Error) {
    return { type: value.name, message: redactText(value.message), stack: redactText(value.stack ?? '') }
  }
  if (Array.isArray(value)) return value.map((part) => redactValue(part, depth - 1))
  return Object.getPrototypeOf(value) === Object.prototype ? redactFields({ ...value }, depth) : value
}

/** The fields of one line of the log. */
export const redactFields = (fields: Record<string, unknown>, depth = DEPTH): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      SECRET_NAME.test(name) && typeof value === 'string' ? HIDDEN : redactValue(value, depth - 1),
    ]),
  )
