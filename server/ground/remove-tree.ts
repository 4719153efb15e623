/** Removes a folder whatever a notebook has put into it. */

import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { promisify } from 'node:util'

/** 1e6 small files take about 20 s; a tree that needs longer is left for the next start. */
const LIMIT_MS = 120_000

/**
 * Removes a tree; nothing there is fine. Node goes by whole paths and so fails for trees deeper than a path may be
 * long, and for folders their owner has closed; `rm` goes from folder to folder.
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true })
  } catch {
    const run = promisify(execFile)
    await run('chmod', ['-R', 'u+rwx', '--', path], { timeout: LIMIT_MS }).catch(() => {})
    await run('rm', ['-rf', '--', path], { timeout: LIMIT_MS })
  }
}
