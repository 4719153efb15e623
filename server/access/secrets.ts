/** The secret that links are signed with: made on first start, kept in the data folder, readable for its owner only. */

import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const BYTES = 32

/** The secret of a folder, made when there is none. */
export async function openLinkSecret(folder: string): Promise<Buffer> {
  const path = join(folder, 'link-secret')
  const known = await readFile(path).catch(() => undefined)
  if (known?.length === BYTES) return known
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const made = `${path}-${randomBytes(6).toString('hex')}`
  await writeFile(made, randomBytes(BYTES), { mode: 0o600 })
  // One that is damaged is of no use to anybody.
  if (known) await rm(path, { force: true })
  // A link fails where there is one already: services that start together on one folder agree on the first one's.
  await link(made, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  await rm(made)
  return readFile(path)
}
