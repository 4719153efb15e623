/** Files of ours that sandboxes read, opened for their identities when the repository was cloned under a strict umask. */

import { chmod, readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { SandboxHost } from './host.ts'

/**
 * Makes a folder readable for everybody, as `chmod -R a+rX` does. Only root needs it, because only root's sandboxes
 * have identities of their own; the folders above may stay closed, since what is inside is mounted.
 */
export async function openToSandboxes(folder: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const inside = await readdir(folder, { recursive: true })
  for (const path of [folder, ...inside.map((name) => join(folder, name))]) {
    const found = await stat(path)
    const wanted = found.isDirectory() || (found.mode & 0o100) !== 0 ? 0o555 : 0o444
    if ((found.mode & wanted) !== wanted) await chmod(path, (found.mode | wanted) & 0o7777)
  }
}

/**
 * Without namespaces the runs of a service that is root reach their folders by path, with user ids of their own: opens the
 * way from `top` (not included) down to `folder` for entering, not for looking around.
 */
export async function openWay(host: SandboxHost, top: string, folder: string): Promise<void> {
  if (host.level !== 1 || !host.privileged) return
  for (let path = folder; path !== top && path !== dirname(path); path = dirname(path)) await chmod(path, 0o711)
}

/** The host, refusing notebooks when their user ids could not enter `folder` although they would have to. */
export async function requireWay(host: SandboxHost, folder: string): Promise<SandboxHost> {
  if (host.level !== 1 || !host.privileged) return host
  for (let path = folder; path !== dirname(path); path = dirname(path)) {
    const found = await stat(path)
    if ((found.mode & 0o001) !== 0) continue
    const problem = `without namespaces, runs must be able to enter the data folder, and ${path} is closed to them; open it (chmod o+x) or set FIELDBOOK_DATA_DIR`
    return { ...host, level: 0, name: 'none: notebooks are refused', problem }
  }
  return host
}
