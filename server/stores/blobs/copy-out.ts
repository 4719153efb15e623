/** A blob's content as a file of somebody else's, who may change it: a clone where the file system has those, else a copy. */

import { constants, createReadStream, createWriteStream } from 'node:fs'
import { copyFile, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'

/** Large pieces: the file may have gigabytes. */
const PIECE_BYTES = 1024 * 1024

/** false when there is no such blob. What was written of the file when it fails is removed. */
export async function copyOut(path: string, file: string, signal: AbortSignal): Promise<boolean> {
  signal.throwIfAborted()
  if (await isCloned(path, file)) return true
  try {
    const options = { highWaterMark: PIECE_BYTES }
    await pipeline(createReadStream(path, options), createWriteStream(file, options), { signal })
    return true
  } catch (error) {
    await rm(file, { force: true })
    if (isMissing(error, path)) return false
    throw error
  }
}

async function isCloned(path: string, file: string): Promise<boolean> {
  try {
    await copyFile(path, file, constants.COPYFILE_FICLONE_FORCE)
    return true
  } catch {
    return false // not on this file system, or not between these two; the copy tells what else there is to tell
  }
}

const isMissing = (error: unknown, path: string) =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT' && 'path' in error && error.path === path
