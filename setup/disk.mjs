// Looks for enough free disk before a step downloads anything, so that it fails in a second and not after minutes.
import { existsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { SetupFailure } from './failure.mjs'
import { root, stateFolder } from './places.mjs'

const MB = 1024 * 1024

/** Throws when fewer than `neededMB` megabytes are free for this user where the set-up keeps its files. */
export async function requireDisk(neededMB) {
  const { bavail, bsize } = await statfs(existsSync(stateFolder) ? stateFolder : root)
  const freeMB = Math.floor((bavail * bsize) / MB)
  if (freeMB >= neededMB) return
  throw new SetupFailure(
    `It needs about ${neededMB} MB of disk and only ${freeMB} MB are free where ${root} lies.`,
    `Free at least ${neededMB - freeMB} MB, or clone the repository to a larger disk.`,
  )
}
