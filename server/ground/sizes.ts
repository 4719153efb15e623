/** How large something that is sent may be, and the refusal of what is larger: it tells whose limit that is. */

import { type AppError, type Limit, tooLarge } from './errors.ts'

export interface MostBytes {
  readonly name: 'notebookBytes' | 'fileBytes' | 'directFileBytes' | 'bodyBytes'
  readonly bytes: number
  readonly of: Limit['of']
  /** What a refusal names as its place: the setting, or that the application has a limit of its own. */
  readonly setBy: string
}

/** `what` begins the message; `used` is how many bytes there are, where that is known. */
export function largerThan(what: string, { name, bytes, of, setBy }: MostBytes, used?: number): AppError {
  const limit: Limit = { name, of, allowed: bytes, ...(used === undefined ? {} : { used }) }
  return tooLarge(`${what} is larger than the ${bytes} bytes that are allowed (${setBy})`, limit)
}
