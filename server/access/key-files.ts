/**
 * The key ring in the data folder, as numbered files `token-keys.<n>.json` of which the highest holds. A change is the next
 * number, put there whole by a link, which fails where there is one: of two at once the later one begins again from what
 * the first one wrote. Whoever dies in between leaves a whole ring and some litter that the next change sweeps away.
 */

import { randomBytes } from 'node:crypto'
import { chown, link, open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../ground/errors.ts'
import { syncFolder } from '../ground/sync-folder.ts'
import { type KeyRing, nameKey, type TokenKey } from './key-ring.ts'

const VERSION = /^token-keys\.(\d{1,9})\.json$/
const STAGED = /^\.token-keys-[0-9a-f]+\.new$/
/** The one key of earlier versions, which had no name. */
const FORMER = 'token-key.json'
/** What somebody is about to put in place is younger. */
const LITTER_MS = 60_000
/** Each attempt that is lost is a change of somebody else's. */
const MAX_ATTEMPTS = 100

const pathOf = (folder: string, version: number) => join(folder, `token-keys.${version}.json`)

/** The number of the ring that holds; 0 when there is none. */
export async function newestVersion(folder: string): Promise<number> {
  const names = await readdir(folder)
  return Math.max(0, ...names.map((name) => Number(VERSION.exec(name)?.[1] ?? 0)))
}

export interface StoredRing {
  readonly version: number
  readonly ring: KeyRing
}

/** The ring that holds, or undefined when there is none. @throws Error when its file is damaged or not ours to read */
export async function readRing(folder: string): Promise<StoredRing | undefined> {
  for (;;) {
    const version = await newestVersion(folder)
    if (version === 0) return undefined
    const path = pathOf(folder, version)
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      // Swept away between our two looks: there is a newer one.
      if (error.code === 'ENOENT') return undefined
      throw new Error(`The keys of tokens can't be read: ${messageOf(error)}`)
    })
    if (text !== undefined) return { version, ring: parseRing(path, text) }
  }
}

function parseRing(path: string, text: string): KeyRing {
  try {
    const { keys } = JSON.parse(text)
    const isKey = (key: TokenKey) => typeof key.kid === 'string' && key.jwk.kty === 'OKP' && Boolean(key.jwk.x)
    if (Array.isArray(keys) && keys.every(isKey) && keys[0]?.jwk.d) return { keys }
  } catch {
    // What follows says it; the text of the parser could show a part of a key.
  }
  throw new Error(
    `${path} is damaged. Restore it, or remove it: then new keys are made, and nobody is signed in any more.`,
  )
}

/** The key of an earlier version as the first of a ring, or undefined. */
export async function readFormerKey(folder: string): Promise<TokenKey | undefined> {
  const path = join(folder, FORMER)
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    const { mtime } = await stat(path)
    return { ...(await nameKey(JSON.parse(text), mtime)), isUnnamed: true }
  } catch {
    throw new Error(`${path} is damaged. Restore it, or remove it: then nobody is signed in any more.`)
  }
}

/**
 * Replaces the ring by what `decide` makes of it (of undefined, where there is none). It is called again with what
 * somebody else has written meanwhile.
 */
export async function changeRing(
  folder: string,
  decide: (ring: KeyRing | undefined) => Promise<KeyRing> | KeyRing,
): Promise<StoredRing> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const known = await readRing(folder)
    const ring = await decide(known?.ring)
    if (ring === known?.ring) return known
    const version = (known?.version ?? 0) + 1
    const staged = await stageRing(folder, ring)
    try {
      if (!(await publishRing(folder, staged, version))) continue
    } finally {
      await rm(staged, { force: true })
    }
    await sweep(folder, version)
    return { version, ring }
  }
  throw new Error(`The keys in ${folder} are being changed by others all the time; try again.`)
}

/** First step: the whole text in a file of its own, on the disk. Gives its path. */
export async function stageRing(folder: string, ring: KeyRing): Promise<string> {
  const path = join(folder, `.token-keys-${randomBytes(8).toString('hex')}.new`)
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(JSON.stringify(ring, undefined, 1))
    await file.sync()
  } finally {
    await file.close()
  }
  // What root makes here must stay readable for the service's own user.
  const { uid, gid } = await stat(folder)
  if (process.getuid?.() === 0 && uid !== 0) await chown(path, uid, gid)
  return path
}

/** Second step: it holds from here on. Gives false when somebody else was first. */
export async function publishRing(folder: string, staged: string, version: number): Promise<boolean> {
  const path = pathOf(folder, version)
  try {
    await link(staged, path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : ''
    if (code === 'EEXIST' || code === 'ENOENT') return false
    throw error
  }
  // Its number may have been given and swept away since we looked: then there is a higher one.
  if ((await newestVersion(folder)) > version) {
    await rm(path, { force: true })
    return false
  }
  await syncFolder(folder)
  return true
}

/** Last step: what no longer holds, private parts in it, goes. */
export async function sweep(folder: string, version: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const number = Number(VERSION.exec(name)?.[1] ?? 0)
    const isOld = number > 0 && number < version
    if (isOld || name === FORMER || (STAGED.test(name) && (await isLitter(join(folder, name))))) {
      await rm(join(folder, name), { force: true })
    }
  }
}

async function isLitter(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found !== undefined && Date.now() - found.mtimeMs > LITTER_MS
}
