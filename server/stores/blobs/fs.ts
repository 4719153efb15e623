/** Blobs as files of a folder. A blob appears by renaming a finished, synced file, so that no reader sees half of one. */

import { createReadStream, createWriteStream } from 'node:fs'
import { link, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { newId } from '../../ground/ids.ts'
import { syncFolder } from '../../ground/sync-folder.ts'
import type { BlobInfo, Blobs } from './blobs.ts'

/** Segments of a key: what our own ids and hashes are made of, so that a key can never leave the folder. */
const KEY = /^[0-9A-Za-z_-][0-9A-Za-z_.-]{0,254}(?:\/[0-9A-Za-z_-][0-9A-Za-z_.-]{0,254})*$/

/** Opens the folder `root`, which is made when missing. */
export async function openFsBlobs(root: string): Promise<Blobs> {
  const incoming = join(root, '.incoming')
  // Closed to other users of the machine: what notebooks made is nobody else's.
  await mkdir(root, { recursive: true, mode: 0o700 })
  await mkdir(incoming, { recursive: true })
  await dropStale(incoming)
  return {
    put: (key, content) => put(pathOf(root, key), join(incoming, newId()), content),
    putFile: (key, file) => put(pathOf(root, key), join(incoming, newId()), createReadStream(file)),
    copy: (from, to) => copyBlob(pathOf(root, from), pathOf(root, to)),
    stat: (key) => statBlob(pathOf(root, key)),
    get: (key, range) => createReadStream(pathOf(root, key), range ?? {}),
    read: (key) => readFile(pathOf(root, key)),
    delete: (key) => rm(pathOf(root, key), { force: true }),
    deleteAll: (prefix) => rm(pathOf(root, prefix), { recursive: true, force: true }),
  }
}

/** A blob that is being written changes all the time; several services may write to one folder. */
const STALE_MS = 3_600_000

/** What a crash left half-written was never visible, and nobody will finish it. */
async function dropStale(incoming: string): Promise<void> {
  for (const name of await readdir(incoming)) {
    const found = await stat(join(incoming, name)).catch(() => undefined)
    if (found && Date.now() - found.mtimeMs > STALE_MS) await rm(join(incoming, name), { recursive: true, force: true })
  }
}

function pathOf(root: string, key: string): string {
  if (!KEY.test(key)) throw new Error(`"${key}" is not a blob key`)
  return join(root, key)
}

async function put(path: string, temporary: string, content: Readable | Uint8Array): Promise<BlobInfo> {
  try {
    const source = content instanceof Uint8Array ? Readable.from([content]) : content
    await pipeline(source, createWriteStream(temporary, { flush: true }))
    const { size } = await stat(temporary)
    await mkdir(dirname(path), { recursive: true })
    await rename(temporary, path)
    await syncFolder(dirname(path))
    return { sizeBytes: size }
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** A hard link: contents never change, so two keys can share them. */
async function copyBlob(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true })
  await link(from, to)
  await syncFolder(dirname(to))
}

async function statBlob(path: string): Promise<BlobInfo | undefined> {
  try {
    const found = await stat(path)
    return found.isFile() ? { sizeBytes: found.size } : undefined
  } catch (error) {
    // ENOTDIR: the key goes on below the key of another blob.
    if (error instanceof Error && 'code' in error && /^(?:ENOENT|ENOTDIR)$/.test(String(error.code))) return undefined
    throw error
  }
}
