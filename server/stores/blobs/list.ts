/** All blobs below a prefix, as the folders have them: one folder open at a time per level, never a list of all names. */

import type { Dir } from 'node:fs'
import { opendir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ListedBlob } from './blobs.ts'

/** The blobs in a folder and in those below it. */
export async function* listBlobs(folder: string, prefix: string): AsyncGenerator<ListedBlob> {
  for await (const entry of (await openFolder(folder)) ?? []) {
    const [path, key] = [join(folder, entry.name), `${prefix}/${entry.name}`]
    if (entry.isDirectory()) yield* listBlobs(path, key)
    // The time of change and not of content: a blob that is a copy has the content of its original.
    const found = entry.isFile() ? await stat(path).catch(() => undefined) : undefined
    if (found) yield { key, sizeBytes: found.size, changedAt: new Date(Math.max(found.mtimeMs, found.ctimeMs)) }
  }
}

/** undefined when it is not there, or not any more. */
async function openFolder(folder: string): Promise<Dir | undefined> {
  try {
    return await opendir(folder)
  } catch (error) {
    if (error instanceof Error && 'code' in error && /^(?:ENOENT|ENOTDIR)$/.test(String(error.code))) return undefined
    throw error
  }
}
