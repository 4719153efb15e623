/**
 * The keys of tokens as a running service has them: looked after while it runs, so that a rotation and a retirement count
 * on every service of a folder within a second, without a restart. What strangers send can't make it look more often than
 * ten times a second, however many tokens with made-up keys they try.
 */

import { stat } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { type CryptoKey, importJWK } from 'jose'
import { messageOf } from '../ground/errors.ts'
import { type GivenKeys, ringOfFile, ringOfText } from './given-keys.ts'
import { changeRing, newestVersion, readFormerKey, readRing, sweep } from './key-files.ts'
import { openKeyFolder } from './key-folder.ts'
import { ALGORITHM, type KeyRing, makeKey, publicPart, type TokenKey } from './key-ring.ts'

export interface LoadedKey extends TokenKey {
  readonly publicKey: CryptoKey
}

export interface LoadedKeys {
  readonly signing: { readonly kid: string; readonly privateKey: CryptoKey }
  /** By the name in a token's header; tokens of before there were names have none. */
  find(kid: string | undefined): LoadedKey | undefined
}

export interface TokenKeys {
  /** As they were at most a second ago. */
  current(): Promise<LoadedKeys>
  /** Looked at again for a key that is not known; many who ask at once share the look. */
  refreshed(): Promise<LoadedKeys>
}

/** A place that keys are kept in: what it holds has a version, which is cheap to ask for. */
interface Place {
  version(): Promise<string>
  read(): Promise<{ readonly version: string; readonly ring: KeyRing }>
}

export interface KeyOptions {
  /** Used instead of keys of the folder. */
  readonly given?: GivenKeys | undefined
  readonly warn?: (event: string, fields: Record<string, unknown>) => void
}

const LOOK_MS = 1000
const UNKNOWN_MS = 100

/** Opens the keys of a folder, making the first one, or those that were given. @throws Error when they can't be used */
export async function openTokenKeys(folder: string, { given, warn = () => {} }: KeyOptions = {}): Promise<TokenKeys> {
  if (!given) await makeFirst(folder, warn)
  return watch(given ? placeOf(given) : inFolder(folder), warn)
}

async function makeFirst(folder: string, warn: NonNullable<KeyOptions['warn']>): Promise<void> {
  await openKeyFolder(folder, (path, mode) => warn('others could read a key', { path, mode: mode.toString(8) }))
  const make = async () => ({ keys: [(await readFormerKey(folder)) ?? (await makeKey(new Date()))] })
  const { version } = await changeRing(folder, (ring) => ring ?? make())
  // What a change left that was cut off.
  await sweep(folder, version)
}

const inFolder = (folder: string): Place => ({
  version: async () => String(await newestVersion(folder)),
  read: async () => {
    const stored = await readRing(folder)
    if (!stored) throw new Error(`There are no keys in ${folder} any more`)
    return { version: String(stored.version), ring: stored.ring }
  },
})

function placeOf(given: GivenKeys): Place {
  if ('text' in given) {
    const version = async () => 'given'
    return {
      version,
      read: async () => ({ version: 'given', ring: await ringOfText(given.text, 'FIELDBOOK_TOKEN_KEY') }),
    }
  }
  const version = async () => {
    const { mtimeMs, size, ino } = await stat(given.file)
    return [mtimeMs, size, ino].join()
  }
  return {
    version,
    // The version first: a file that changes in between is read once more.
    read: async () => ({ version: await version(), ring: await ringOfFile(given.file) }),
  }
}

async function watch(place: Place, warn: NonNullable<KeyOptions['warn']>): Promise<TokenKeys> {
  const load = async () => {
    const { version, ring } = await place.read()
    return { version, keys: await loadRing(ring) }
  }
  let held = await load()
  let lastMs = performance.now()
  let looking: Promise<void> | undefined
  let problem: string | undefined
  const look = async (pauseMs: number) => {
    const waitMs = lastMs + pauseMs - performance.now()
    if (waitMs > 0) await pause(waitMs)
    lastMs = performance.now()
    try {
      if ((await place.version()) !== held.version) held = await load()
      problem = undefined
    } catch (error) {
      // Those that were good a second ago are better than nobody getting in. Told once, not each second.
      if (problem !== messageOf(error)) warn('the keys of tokens could not be read again', { error: messageOf(error) })
      problem = messageOf(error)
    }
  }
  const sharedLook = (pauseMs: number): Promise<void> => {
    looking ??= look(pauseMs).finally(() => {
      looking = undefined
    })
    return looking
  }
  return {
    current: async () => {
      if (performance.now() - lastMs >= LOOK_MS) await sharedLook(0)
      return held.keys
    },
    refreshed: async () => {
      // One under way may have begun before the key was there.
      await looking
      await sharedLook(UNKNOWN_MS)
      return held.keys
    },
  }
}

async function loadRing({ keys }: KeyRing): Promise<LoadedKeys> {
  const [first] = keys
  if (!first) throw new Error('a key ring without a key')
  const loaded = await Promise.all(
    keys.map(async (key) => ({ ...key, publicKey: requireKey(await importJWK(publicPart(key.jwk), ALGORITHM)) })),
  )
  const byName = new Map(loaded.map((key) => [key.kid, key]))
  const unnamed = loaded.find(({ isUnnamed }) => isUnnamed)
  return {
    signing: { kid: first.kid, privateKey: requireKey(await importJWK(first.jwk, ALGORITHM)) },
    find: (kid) => (kid === undefined ? unnamed : byName.get(kid)),
  }
}

function requireKey(key: CryptoKey | Uint8Array): CryptoKey {
  if (key instanceof Uint8Array) throw new Error('the token key is not an EdDSA key')
  return key
}
