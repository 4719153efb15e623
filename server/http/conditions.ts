/** Which part of a file a request is answered with, if any: conditions and ranges of HTTP (RFC 9110 §13 and §14), pure. */

export interface Version {
  /** With its quotes. */
  readonly etag: string
  /** Undefined where the tag is all that is known: then no condition about a time holds. */
  readonly lastModified?: Date | undefined
}

export interface RequestHeaders {
  readonly 'if-none-match'?: string | undefined
  readonly 'if-modified-since'?: string | undefined
  readonly 'if-range'?: string | undefined
  readonly range?: string | undefined
}

export type Answer =
  | { readonly status: 200 | 304 | 416 }
  | { readonly status: 206; readonly range: { readonly start: number; readonly end: number } }

/** What a GET or HEAD is answered with. */
export function answerFor(headers: RequestHeaders, version: Version, sizeBytes: number): Answer {
  if (isUnchanged(headers, version)) return { status: 304 }
  const range = isSameVersion(headers['if-range'], version) ? rangeOf(headers.range, sizeBytes) : undefined
  if (range === 'unsatisfiable') return { status: 416 }
  return range ? { status: 206, range } : { status: 200 }
}

/** A tag counts before a time; times have whole seconds. */
function isUnchanged(headers: RequestHeaders, { etag, lastModified }: Version): boolean {
  const tags = headers['if-none-match']
  if (tags !== undefined) return tags.trim() === '*' || tags.split(',').some((tag) => weak(tag.trim()) === etag)
  return lastModified !== undefined && wholeSeconds(lastModified) <= Date.parse(headers['if-modified-since'] ?? '') // false for NaN
}

const wholeSeconds = (time: Date) => Math.floor(time.getTime() / 1000) * 1000

const weak = (tag: string) => tag.replace(/^W\//, '')

/** Part of another version would be put together with what the client has: then it gets the whole. */
function isSameVersion(condition: string | undefined, version: Version): boolean {
  if (condition === undefined) return true
  if (condition.includes('"')) return condition.trim() === version.etag
  return version.lastModified !== undefined && Date.parse(condition) === wholeSeconds(version.lastModified)
}

/** The one range asked for; several ranges, or other units, are answered with the whole file. */
function rangeOf(
  header: string | undefined,
  size: number,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '')
  if (!match || (match[1] === '' && match[2] === '')) return undefined
  const [first, last] = [match[1] ?? '', match[2] ?? '']
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined // not valid, so to be ignored
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1)
  return start > end || start >= size ? 'unsatisfiable' : { start, end }
}
