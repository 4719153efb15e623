/**
 * Takes a directory out of OUTPUT_DIR with everything in it. Each step is a name looked up in a folder that is held open,
 * so no link can lead out of it. What is no plain file or folder, or has a name that can't be kept, is left out and told;
 * the rest is taken.
 */

import type { Dirent } from 'node:fs'
import { opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError, messageOf } from '../../ground/errors.ts'
import { plainName } from '../plain-name.ts'
import { type CollectedFile, type HeldFolder, holdFolder, openPlainFile } from './collect.ts'
import type { Quota } from './quota.ts'
import { shownName } from './shown-list.ts'

export interface CollectedTree<Kept> {
  /** Paths below the directory, each after the one it lies in; empty ones too. */
  readonly directories: readonly string[]
  readonly files: readonly { readonly path: string; readonly kept: Kept }[]
  /** What was left out: a sentence for each of the first, and how many there were. */
  readonly rejected: { readonly told: readonly string[]; readonly count: number }
}

/** Keeps the content of a file; `path` is below the directory. The file is closed afterwards. */
type Keep<Kept> = (path: string, file: CollectedFile) => Promise<Kept>

/** Files written out at the same time: a disk does several in the time of one. */
const AT_ONCE = 16
/** Characters of a path; application files have no longer ones. */
const MAX_PATH = 1024
/** Rejections that are told one by one. */
const MAX_TOLD = 20

/** @throws OutputMissing, invalid for what is no directory, and what `keep` and `signal` throw */
export async function collectTree<Kept>(
  outputDir: string,
  directoryName: string,
  { keep, quota, signal }: { keep: Keep<Kept>; quota: Quota; signal: AbortSignal },
): Promise<CollectedTree<Kept>> {
  const name = plainName(directoryName)
  const directories: string[] = []
  const files: { path: string; kept: Kept }[] = []
  const told: string[] = []
  let count = 0
  const reject = (why: string) => {
    count += 1
    if (told.length < MAX_TOLD) told.push(why)
  }
  await using top = await holdFolder(join(outputDir, name), name)
  await walk(top, '')
  return { directories, files, rejected: { told, count } }

  async function walk(folder: HeldFolder, above: string): Promise<void> {
    const found = await entriesOf(folder, above, quota, reject)
    const plain = found.filter(({ isDirectory }) => !isDirectory)
    for (let from = 0; from < plain.length; from += AT_ONCE) {
      signal.throwIfAborted()
      await takeFiles(folder, above, plain.slice(from, from + AT_ONCE))
    }
    for (const { name: below } of found.filter(({ isDirectory }) => isDirectory)) {
      signal.throwIfAborted()
      const path = above + below
      await using inner = await orRejected(() => holdFolder(join(folder.path, below), path))
      if (!inner) continue
      directories.push(path)
      await walk(inner, `${path}/`)
    }
  }

  /** Opened one after the other, because their sizes are summed up, and kept all at once. */
  async function takeFiles(folder: HeldFolder, above: string, batch: readonly Entry[]): Promise<void> {
    await using held = new AsyncDisposableStack()
    const opened: { path: string; file: CollectedFile }[] = []
    for (const entry of batch) {
      const path = above + entry.name
      const file = await orRejected(() => openPlainFile(join(folder.path, entry.name), path))
      if (!file) continue
      held.use(file)
      const isWithin = await orRejected(
        async () => {
          quota.take(file.sizeBytes)
          return true
        },
        `"${shownName(path)}": `,
      )
      if (isWithin) opened.push({ path, file })
    }
    const kept = await Promise.allSettled(opened.map(({ path, file }) => keep(path, file)))
    for (const [index, { path }] of opened.entries()) {
      const one = kept[index]
      if (one?.status === 'rejected') throw one.reason // nothing is being written any more
      if (one) files.push({ path, kept: one.value })
    }
  }

  async function orRejected<T>(take: () => Promise<T>, before = ''): Promise<T | undefined> {
    try {
      return await take()
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      reject(before + messageOf(error))
      return undefined
    }
  }
}

interface Entry {
  readonly name: string
  readonly isDirectory: boolean
}

/** What can be taken of a folder, by name. Entries past the quota are not even listed: there may be millions. */
async function entriesOf(
  folder: HeldFolder,
  above: string,
  quota: Quota,
  reject: (why: string) => void,
): Promise<Entry[]> {
  const entries: Entry[] = []
  for await (const entry of await openListing(folder.path)) {
    if (!quota.enter()) {
      const where = above === '' ? 'the directory' : `"${shownName(above)}"`
      reject(`${where} has more than the ${quota.maxEntries} files and folders allowed (FIELDBOOK_OUTPUT_FILES)`)
      break
    }
    const name = textOf(entry.name)
    const why = name === undefined ? 'its name is not UTF-8' : refusal(entry, above + name)
    if (name === undefined || why !== undefined) reject(`"${shownName(above + shownBytes(entry.name))}": ${why}`)
    else entries.push({ name, isDirectory: entry.isDirectory() })
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** As bytes: a name need not be text. The types of Node know this for `readdir` only. */
const openListing = (path: string) =>
  opendir(path, { encoding: 'buffer' as string as BufferEncoding }) as Promise<AsyncIterable<unknown>> as Promise<
    AsyncIterable<Dirent<Buffer>>
  >

/** Why an entry is not taken, before it is opened: opening a device can do something. */
function refusal(entry: Dirent<Buffer>, path: string): string | undefined {
  if (path.length > MAX_PATH) return `its path has more than ${MAX_PATH} characters`
  if (UNSAFE.test(path))
    return 'its name has control characters, a backslash, or characters that turn the direction of text'
  if (entry.isFile() || entry.isDirectory()) return undefined
  if (entry.isSymbolicLink()) return 'it is a symbolic link; only plain files are taken from OUTPUT_DIR'
  return 'it is a pipe, socket or device; only plain files are taken from OUTPUT_DIR'
}

/** Everything else is kept to the letter. A backslash is a step of a path to some of those who download it. */
const UNSAFE = /[\p{Cc}\p{Bidi_Control}\\]/u

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function textOf(bytes: Buffer): string | undefined {
  try {
    return strict.decode(bytes)
  } catch {
    return undefined
  }
}

const shownBytes = (bytes: Buffer) => bytes.toString('utf8')
