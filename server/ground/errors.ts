/**
 * The one exception the rooms throw on purpose: "the caller cannot have this". Anything else that is thrown is a bug.
 * An execution that did not succeed is not an exception; see `Failure` in the executions room.
 */

export type ErrorKind =
  | 'invalid'
  | 'unauthenticated'
  | 'secondFactor'
  | 'locked'
  | 'forbidden'
  | 'notFound'
  | 'conflict'
  | 'unprocessable'
  | 'gone'
  | 'tooLarge'
  | 'full'
  | 'limited'
  | 'version'
  | 'unavailable'

/** Which limit a request would pass. */
export interface Limit {
  /** As the contract spells it. */
  readonly name: string
  /** Whose limit it is. */
  readonly of: 'installation' | 'application' | 'resource'
  readonly allowed: number
  readonly used?: number
  /** When there will be room again, where that is known. */
  readonly resetsAt?: Date
}

export class AppError extends Error {
  readonly kind: ErrorKind
  readonly limit: Limit | undefined
  /** When the caller may try again, where that is known. */
  readonly retryAfterSeconds: number | undefined

  constructor(
    kind: ErrorKind,
    message: string,
    options?: { cause?: unknown; retryAfterSeconds?: number; limit?: Limit },
  ) {
    super(message, options)
    this.name = 'AppError'
    this.kind = kind
    this.limit = options?.limit
    this.retryAfterSeconds = options?.retryAfterSeconds
  }
}

/** Cause: the request says something it may not say; the message names the field and what is allowed. Handled by: the caller mends the request. */
export const invalid = (message: string, cause?: unknown) => new AppError('invalid', message, { cause })

/** Cause: a token or password that is wrong or has expired. Handled by: the caller signs in again. */
export const unauthenticated = (message: string) => new AppError('unauthenticated', message)

/** Cause: a password that is right, of a user who has to give a code with it. Handled by: the caller signs in again with one. */
export const secondFactorNeeded = (before = 'Two-factor authentication is enabled') =>
  new AppError('secondFactor', `${before}: twoFactorCode is required`)

/** Cause: too many failed sign-ins, whoever is right now. Handled by: the caller waits for that many seconds. */
export const locked = (retryAfterSeconds: number) =>
  new AppError('locked', `Too many failed sign-ins; try again in ${retryAfterSeconds} seconds`, { retryAfterSeconds })

/** Cause: no token, or one that does not reach this far. Handled by: the caller asks for the right token. */
export const forbidden = (message = 'Access is forbidden') => new AppError('forbidden', message)

/** Cause: nothing of that id that this caller may see; absent and foreign look the same. Handled by: the caller checks the id. */
export const notFound = (thing: string) => new AppError('notFound', `${thing} was not found`)

/** Cause: the thing is not in the state that this needs; the message says which it is. Handled by: the caller waits, or asks for something else. */
export const conflict = (message: string) => new AppError('conflict', message)

/** Cause: the request makes sense, but not together with an earlier one; the message says which. Handled by: the caller asks otherwise. */
export const unprocessable = (message: string) => new AppError('unprocessable', message)

/** Cause: something was there and is kept no longer. Handled by: the caller asks for something else. */
export const gone = (message: string) => new AppError('gone', message)

/** Cause: more of something than is allowed in a time. Handled by: the caller waits for that many seconds. */
export const limited = (message: string, limit: Limit, retryAfterSeconds: number) =>
  new AppError('limited', message, { limit, retryAfterSeconds })

/** Cause: as many of something as are allowed; waiting does not help. Handled by: the caller removes some, or asks for more. */
export const full = (message: string, limit: Limit) => new AppError('full', message, { limit })

/** Cause: more bytes than are allowed. Handled by: the caller sends fewer. */
export const tooLarge = (message: string, limit: Limit) => new AppError('tooLarge', message, { limit })

/** Cause: the request is made for a version of the API that is not served here. Handled by: the caller uses another client. */
export const otherVersion = (message: string) => new AppError('version', message)

/** Cause: a part of the service is not ready or is closing. Handled by: the caller tries again later. */
export const unavailable = (message: string, cause?: unknown) => new AppError('unavailable', message, { cause })

/** The message of whatever was thrown, for a log line or the `cause` part of a sentence. */
export const messageOf = (thrown: unknown) => (thrown instanceof Error ? thrown.message : String(thrown))
