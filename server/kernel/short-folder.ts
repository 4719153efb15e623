/** Folders for unix sockets, whose paths may have 107 bytes. */

import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** sun_path is 108 bytes with its end; the longest of our sockets is called `k-5`. */
const LONGEST_PATH = 107
const LONGEST_NAME = '/fb-123456/k-5'

/**
 * Makes a new folder below `beside`, which is cleared when its worker has died; where that makes too long a path, in the
 * shortest place there is.
 */
export function openShortFolder(beside: string): Promise<string> {
  const base = [beside, tmpdir()].find((path) => Buffer.byteLength(path + LONGEST_NAME) <= LONGEST_PATH)
  return mkdtemp(join(base ?? '/tmp', 'fb-'))
}
