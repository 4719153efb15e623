/** The secrets that links and callbacks are signed with, and accounts kept with: made on first start, kept in the data folder, readable for its owner only. */

import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const BYTES = 32

/** What links to blobs are signed with. */
export const openLinkSecret = (folder: string): Promise<Buffer> =>
  openSecret(folder, 'link-secret', { make: () => randomBytes(BYTES), isWhole: (known) => known.length === BYTES })

/** What the secrets of callbacks are derived from (callback-secrets.ts). */
export const openCallbackKey = (folder: string): Promise<Buffer> =>
  openSecret(folder, 'callback-key', { make: () => randomBytes(BYTES), isWhole: (known) => known.length === BYTES })

/** What secrets of accounts are encrypted with (vault.ts). */
export const openAccountKey = (folder: string): Promise<Buffer> =>
  openSecret(folder, 'account-key', { make: () => randomBytes(BYTES), isWhole: (known) => known.length === BYTES })

interface Kind {
  make(): Buffer
  isWhole(known: Buffer): boolean
}

/** The secret of that name, made when there is none. */
async function openSecret(folder: string, name: string, { make, isWhole }: Kind): Promise<Buffer> {
  const path = join(folder, name)
  const known = await readFile(path).catch(() => undefined)
  if (known && isWhole(known)) return known
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const made = `${path}-${randomBytes(6).toString('hex')}`
  await writeFile(made, make(), { mode: 0o600 })
  // One that is damaged is of no use to anybody.
  if (known) await rm(path, { force: true })
  // A link fails where there is one already: services that start together on one folder agree on the first one's.
  await link(made, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  await rm(made)
  return readFile(path)
}
