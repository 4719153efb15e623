/** Blobs as files of a folder. A blob appears by renaming a finished, synced file, so that no reader sees half of one. */

import { createReadStream, createWriteStream, type Stats } from 'node:fs'
import { link, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { newId } from '../../ground/ids.ts'
import { type Pass, type Swept, sum } from '../../ground/sweep.ts'
import { shareSyncs } from '../../ground/sync-folder.ts'
import type { BlobInfo, Blobs, BorrowedFile } from './blobs.ts'
import { copyOut } from './copy-out.ts'
import { listBlobs } from './list.ts'

/** Segments of a key: what our own ids and hashes are made of, so that a key can never leave the folder. */
const KEY = /^[0-9A-Za-z_-][0-9A-Za-z_.-]{0,254}(?:\/[0-9A-Za-z_-][0-9A-Za-z_.-]{0,254})*$/

/** Opens the folder `root`, which is made when missing. */
export async function openFsBlobs(root: string): Promise<Blobs> {
  const incoming = join(root, '.incoming')
  // Closed to other users of the machine: what notebooks made is nobody else's.
  await mkdir(root, { recursive: true, mode: 0o700 })
  await mkdir(incoming, { recursive: true })
  const borrowed = join(root, '.borrowed')
  await mkdir(borrowed, { recursive: true })
  const dropHalfWritten = async (pass: Pass) =>
    sum([await dropStale(incoming, pass), await dropForgotten(borrowed, pass)])
  await dropHalfWritten({ now: new Date(), signal: new AbortController().signal, isDryRun: false })
  const sync = shareSyncs()
  const put = (key: string, content: Readable | Uint8Array) =>
    putWhole(pathOf(root, key), join(incoming, newId()), content, sync)
  return {
    put,
    putFile: async (key, file) => put(key, (await readSmall(file)) ?? createReadStream(file)),
    copy: (from, to) => copyBlob(pathOf(root, from), pathOf(root, to), sync),
    stat: (key) => statBlob(pathOf(root, key)),
    get: (key, range) => createReadStream(pathOf(root, key), range ?? {}),
    read: (key) => readFile(pathOf(root, key)),
    borrow: (key) => borrow(pathOf(root, key), join(borrowed, newId())),
    copyOut: (key, file, signal) => copyOut(pathOf(root, key), file, signal),
    list: (prefix) => listBlobs(pathOf(root, prefix), prefix),
    dropHalfWritten,
    delete: (key) => rm(pathOf(root, key), { force: true }),
    deleteAll: (prefix) => rm(pathOf(root, prefix), { recursive: true, force: true }),
  }
}

/** A blob that is being written changes all the time; several services may write to one folder. */
const STALE_MS = 3_600_000

/** What a crash left half-written was never visible, and nobody will finish it. */
const dropStale = (incoming: string, pass: Pass) =>
  dropOlder(incoming, pass, ({ mtimeMs }) => pass.now.getTime() - mtimeMs > STALE_MS)

/** No reader takes a day. A second name changes the file's ctime; what is written in it is as old as the blob. */
const dropForgotten = (borrowed: string, pass: Pass) =>
  dropOlder(borrowed, pass, ({ ctimeMs }) => pass.now.getTime() - ctimeMs > 24 * STALE_MS)

async function dropOlder(folder: string, pass: Pass, isOld: (found: Stats) => boolean): Promise<Swept> {
  const dropped: Swept[] = []
  for (const name of await readdir(folder)) {
    pass.signal.throwIfAborted()
    const found = await stat(join(folder, name)).catch(() => undefined)
    if (!found || !isOld(found)) continue
    if (!pass.isDryRun) await rm(join(folder, name), { recursive: true, force: true })
    dropped.push({ count: 1, bytes: found.size })
  }
  return sum(dropped)
}

function pathOf(root: string, key: string): string {
  if (!KEY.test(key)) throw new Error(`"${key}" is not a blob key`)
  return join(root, key)
}

type Sync = (folder: string) => Promise<void>

async function putWhole(
  path: string,
  temporary: string,
  content: Readable | Uint8Array,
  sync: Sync,
): Promise<BlobInfo> {
  try {
    const making = mkdir(dirname(path), { recursive: true })
    making.catch(() => {}) // heard of below, when nothing writes to the temporary file any more
    const isBytes = content instanceof Uint8Array
    const sizeBytes = isBytes ? await writeBytes(temporary, content) : await writeStream(temporary, content)
    await making
    await rename(temporary, path)
    await sync(dirname(path))
    return { sizeBytes }
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

async function writeBytes(path: string, bytes: Uint8Array): Promise<number> {
  await writeFile(path, bytes, { flush: true })
  return bytes.byteLength
}

async function writeStream(path: string, content: Readable): Promise<number> {
  const file = createWriteStream(path, { flush: true })
  await pipeline(content, file)
  return file.bytesWritten
}

/** Results and inputs are mostly smaller; a stream costs 2 ms more, for its two ends and its pieces. */
const SMALL_BYTES = 64 * 1024

/** The whole content of a small file, undefined for one that is not. */
async function readSmall(path: string): Promise<Uint8Array | undefined> {
  const handle = await open(path)
  try {
    const bytes = Buffer.allocUnsafe(SMALL_BYTES)
    let filled = 0
    for (;;) {
      const { bytesRead } = await handle.read(bytes, filled, SMALL_BYTES - filled, filled)
      filled += bytesRead
      if (bytesRead === 0) return bytes.subarray(0, filled)
      if (filled === SMALL_BYTES) return undefined
    }
  } finally {
    await handle.close()
  }
}

/** A hard link: contents never change, so two keys can share them. */
async function copyBlob(from: string, to: string, sync: Sync): Promise<void> {
  await mkdir(dirname(to), { recursive: true })
  await link(from, to)
  await sync(dirname(to))
}

/** A second name of the file: deleting the blob takes the first one only. */
async function borrow(path: string, name: string): Promise<BorrowedFile | undefined> {
  try {
    await link(path, name)
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
  return { path: name, [Symbol.asyncDispose]: () => rm(name, { force: true }) }
}

async function statBlob(path: string): Promise<BlobInfo | undefined> {
  try {
    const found = await stat(path)
    return found.isFile() ? { sizeBytes: found.size } : undefined
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** ENOTDIR: the key goes on below the key of another blob. */
const isMissing = (error: unknown) =>
  error instanceof Error && 'code' in error && /^(?:ENOENT|ENOTDIR)$/.test(String(error.code))
