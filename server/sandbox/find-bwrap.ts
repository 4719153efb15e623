/** Where bubblewrap is. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The bubblewrap that set-up found or fetched; without set-up, whatever the PATH has. */
export async function findBwrap(toolsDir: string): Promise<string> {
  try {
    return String(JSON.parse(await readFile(join(toolsDir, 'tools.json'), 'utf8')).bwrap)
  } catch {
    return 'bwrap'
  }
}
