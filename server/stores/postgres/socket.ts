/**
 * The folder of the server's unix socket. The server trusts whoever can open the socket, so this folder is the whole of
 * its access control: mode 0700, and never one that somebody else prepared.
 */

import { createHash } from 'node:crypto'
import { chmod, chown, lstat, mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Account } from './account.ts'

/** A socket path holds 107 bytes, which a data folder of a few levels exceeds; hence a short name elsewhere. */
const LONGEST_SOCKET_PATH = 107

/** Creates the folder for this cluster, or takes it over from an earlier start of ours. */
export async function openSocketFolder(clusterDir: string, account: Account | undefined): Promise<string> {
  const folder = socketFolder(clusterDir)
  const made = await mkdir(folder, { mode: 0o700 }).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false
      throw error
    },
  )
  if (!made) await refuseForeign(folder, account)
  await chmod(folder, 0o700)
  if (account) await chown(folder, account.uid, account.gid)
  return folder
}

function socketFolder(clusterDir: string): string {
  const name = `fieldbook-${createHash('sha256').update(clusterDir).digest('hex').slice(0, 16)}`
  const folder = join(tmpdir(), name)
  const longest = Buffer.byteLength(join(folder, '.s.PGSQL.5432'))
  return longest <= LONGEST_SOCKET_PATH ? folder : join('/tmp', name)
}

async function refuseForeign(folder: string, account: Account | undefined): Promise<void> {
  const there = await lstat(folder)
  // Ours as root: a start that was killed between mkdir and chown.
  const isOurs = there.uid === account?.uid || there.uid === process.getuid?.()
  if (there.isDirectory() && isOurs) return
  throw new Error(
    `${folder} should become the private folder of the database socket, but user ${there.uid} made it. Remove it, or set TMPDIR.`,
  )
}
