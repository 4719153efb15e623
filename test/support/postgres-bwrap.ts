/** Where bubblewrap is on this machine: as root, PostgreSQL needs it for a checkout in a folder that only root may enter. */

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The path setup noted, else the one on PATH, else undefined. */
export function findBwrap(): string | undefined {
  try {
    const tools = JSON.parse(readFileSync(join(import.meta.dirname, '../../.fieldbook/tools.json'), 'utf8'))
    if (typeof tools.bwrap === 'string') return tools.bwrap
  } catch {
    // setup has not run here
  }
  try {
    return execFileSync('/bin/sh', ['-c', 'command -v bwrap'], { encoding: 'utf8' }).trim()
  } catch {
    return undefined
  }
}
