/** Makes a rename durable. */

import { open } from 'node:fs/promises'

/** Writes a folder's entries out: without it a rename inside may be forgotten when the power fails. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
