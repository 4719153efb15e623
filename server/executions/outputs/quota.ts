/** What all configured outputs of one execution together may have. */

import { invalid } from '../../ground/errors.ts'

export interface Quota {
  /**
   * Counts a file before it is kept. By apparent size: a sparse file of a petabyte takes no disk in the sandbox, but would
   * take it here. @throws invalid when with it there would be too many bytes; it is not counted then
   */
  take(sizeBytes: number): void
  /** Counts an entry of a directory; false when there were as many as are allowed before. */
  enter(): boolean
  readonly maxEntries: number
}

export function createQuota(limits: { readonly maxBytes: number; readonly maxEntries: number }): Quota {
  let bytes = 0
  let entries = 0
  return {
    take: (sizeBytes) => {
      if (bytes + sizeBytes > limits.maxBytes) {
        throw invalid(`with it the outputs would have more than ${limits.maxBytes} bytes (FIELDBOOK_OUTPUT_SIZE)`)
      }
      bytes += sizeBytes
    },
    enter: () => {
      if (entries >= limits.maxEntries) return false
      entries += 1
      return true
    },
    maxEntries: limits.maxEntries,
  }
}
