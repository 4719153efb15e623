/** The secret that links are signed with: made on first start, kept in the data folder, readable for its owner only. */

import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const BYTES = 32

/** The secret of a folder, made when there is none. */
export async function openLinkSecret(folder: string): Promise<Buffer> {
  const path = join(folder, 'link-secret')
  const known = await readFile(path).catch(() => undefined)
  if (known?.length === BYTES) return known
  const secret = randomBytes(BYTES)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeFile(path, secret, { mode: 0o600 })
  return secret
}
