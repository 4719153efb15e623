/** Zip files, written as streams: what is packed may be larger than memory. */

import { createWriteStream } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ZipFile } from 'yazl'

/** A zip of the files of a folder, all at its root, in the order of their names. */
export async function packFolder(folder: string, zipFile: string, signal: AbortSignal): Promise<void> {
  const zip = new ZipFile()
  const packed = new PassThrough()
  zip.on('error', (error) => packed.destroy(error))
  zip.outputStream.pipe(packed)
  for (const name of (await readdir(folder)).sort()) zip.addFile(join(folder, name), name)
  zip.end()
  await pipeline(packed, createWriteStream(zipFile), { signal })
}
