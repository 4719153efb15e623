/** The limits of one outgoing request, and what is said when one is passed. */

import { AppError, invalid, messageOf, unavailable } from '../ground/errors.ts'
import { refusalIn } from './network.ts'

/** Cause: an answer that is larger than may be kept. Handled by: a smaller one, or the operator's limit. */
export const tooBig = (url: URL, maxBytes: number) =>
  new AppError(
    'tooLarge',
    `The answer of ${url.origin} is larger than ${maxBytes} bytes, the limit of FIELDBOOK_FETCH_SIZE`,
  )

/** Cause: the other side answered that it won't. Handled by: whoever owns the URL. */
export const badStatus = (where: string, status: number, hint = '') =>
  invalid(`${where} answered with status ${status}${hint}`)

/**
 * What is told when a request failed: a refusal of ours as it is, everything else in a sentence that names the host. What
 * the other side said is not repeated. `limit` is the time there was, and where it comes from.
 */
export function tellFailure(error: unknown, url: URL, timer: AbortSignal, limit: string): unknown {
  const refusal = refusalIn(error)
  if (refusal) return refusal
  if (timer.aborted) return unavailable(`${url.origin} did not answer completely within ${limit}`)
  if (isOurs(error)) return error
  if (/^(?:Z_|ERR_BROTLI|ERR_ZSTD|ZSTD_)/.test(codeOf(error)))
    return invalid(`${url.origin} answered what can not be decoded`)
  // Without its cause: a connection that was refused there is no sign that our database is away.
  return unavailable(`${url.origin} could not be reached: ${causeOf(error)}`)
}

/** A disk that is full, or a folder that is gone, has nothing to do with the other side. */
const isOurs = (error: unknown) =>
  /^(?:ENOSPC|EDQUOT|EIO|EROFS|EACCES|EEXIST|ENOENT|EMFILE|ENFILE)$/.test(codeOf(error))

const codeOf = (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : '')

/** Codes of Node and undici say in one word what went wrong; their messages may hold addresses. */
function causeOf(error: unknown): string {
  const inner = error instanceof AggregateError ? error.errors[0] : error
  const code = codeOf(inner)
  return CAUSES[code] ?? (code || messageOf(inner))
}

const CAUSES: Record<string, string> = {
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name could not be looked up',
  ECONNREFUSED: 'it refuses connections',
  ECONNRESET: 'it closed the connection',
  UND_ERR_SOCKET: 'it closed the connection',
  UND_ERR_CONNECT_TIMEOUT: 'it did not accept a connection in time',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
}
