/**
 * Reads the contents of the kernel's messages. A notebook can forge them, so nothing in them is taken to be there:
 * what is missing or of another type reads as empty.
 */
import type { Metadata } from './notebook.ts'
import type { Content } from './wire.ts'

/** Of all texts of one error together; a recursion error of a hostile object can be any length. */
const ERROR_CHARACTERS = 100_000

/** The text of a `stream` message and which of the two it is. */
export function streamOf(content: Content): { name: 'stdout' | 'stderr'; text: string } {
  return { name: content['name'] === 'stderr' ? 'stderr' : 'stdout', text: textIn(content, 'text') }
}

/** The MIME bundle of a display; `transient` stays behind, which must never be stored. */
export function bundleOf(content: Content): { data: Metadata; metadata: Metadata } {
  const data = Object.entries(objectIn(content, 'data')).map(([type, value]) => [type, asStorable(type, value)])
  return { data: Object.fromEntries(data), metadata: objectIn(content, 'metadata') }
}

/** The file format has objects under JSON types only; nbformat refuses the whole notebook for one elsewhere. */
function asStorable(type: string, value: unknown): unknown {
  const mayBeObject = type === 'application/json' || type.endsWith('+json')
  if (typeof value === 'string') return value.toWellFormed()
  if (mayBeObject) return value
  const isLines = Array.isArray(value) && value.every((line) => typeof line === 'string')
  return (isLines ? value.join('') : JSON.stringify(value)).toWellFormed()
}

/** What later updates of a display call it. */
export function displayIdOf(content: Content): string | undefined {
  const id = objectIn(content, 'transient')['display_id']
  return typeof id === 'string' ? id : undefined
}

/** The error of an `error` message or an error reply, cut to a length a person could read. */
export function errorOf(content: Content): { ename: string; evalue: string; traceback: string[] } {
  const given: readonly unknown[] = Array.isArray(content['traceback']) ? content['traceback'] : []
  let left = ERROR_CHARACTERS
  const traceback: string[] = []
  for (const line of given) {
    if (left <= 0) break
    // No String(): an object of a forged message may have a toString that is none.
    const text = (typeof line === 'string' ? line : '').toWellFormed()
    traceback.push(text.slice(0, left))
    left -= text.length + 1 // empty lines count as well
  }
  const cut = (key: string) => textIn(content, key).slice(0, ERROR_CHARACTERS)
  return { ename: cut('ename'), evalue: cut('evalue'), traceback }
}

/** `exit` and `quit` don't raise in a notebook; the kernel says in its reply that it is about to leave. */
export function asksToExit(reply: Content): boolean {
  const payload = reply['payload']
  if (!Array.isArray(payload)) return false
  return payload.some((entry: unknown) => {
    return typeof entry === 'object' && entry !== null && 'source' in entry && entry.source === 'ask_exit'
  })
}

/** Half of a surrogate pair, which Python can print, is not text: most readers of the file would refuse it. */
function textIn(content: Content, key: string): string {
  const value = content[key]
  return typeof value === 'string' ? value.toWellFormed() : ''
}

/** The object under a key, empty when there is none. */
export function objectIn(content: Content, key: string): Metadata {
  const value = content[key]
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? (value as Metadata) : {} // parsed JSON: any object has string keys and unknown values
}
