/** Makes renames durable. */

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

/**
 * The same for many at once: whoever asks while a folder is being written out shares the next time with everybody else
 * who asks meanwhile. One under way is not enough, since it may have begun before the rename.
 */
export function shareSyncs(sync: (folder: string) => Promise<void> = syncFolder): (folder: string) => Promise<void> {
  const current = new Map<string, Promise<void>>()
  const next = new Map<string, Promise<void>>()
  const begin = (folder: string): Promise<void> => {
    next.delete(folder)
    const syncing = sync(folder).finally(() => {
      if (current.get(folder) === syncing) current.delete(folder)
    })
    current.set(folder, syncing)
    return syncing
  }
  return (folder) => {
    const known = next.get(folder)
    if (known) return known
    // The renames of one batch end within the same turn or two; that is worth more than starting at once.
    const before = current.get(folder)?.catch(() => {}) ?? new Promise<void>((resolve) => setImmediate(resolve))
    const waiting = before.then(() => begin(folder))
    next.set(folder, waiting)
    return waiting
  }
}
