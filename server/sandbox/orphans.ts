/**
 * Processes in sandboxes whose service is dead. A sandbox ends with whoever started it, by a death signal that its first
 * process asks for; one whose service is killed before it has asked goes on for ever, and nobody waits for it.
 */

import { readdir, readFile } from 'node:fs/promises'

/**
 * Kills every process that has a folder mounted, or one below it: sandboxes have their inputs and sockets from there. Any
 * process of the machine may be among them, so the folder has to be one that nobody living uses. Gives how many there were.
 */
export async function killUsersOf(folder: string): Promise<number> {
  // Mount tables name a folder from the top of its file system, which may be further down than the machine's.
  const [parent, name] = folder.split('/').slice(-2)
  if (!parent || !name) return 0
  let killed = 0
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) <= 1 || Number(pid) === process.pid) continue
    const mounts = await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => '') // gone, or somebody else's
    if (!mounts.includes(`/${parent}/${name}/`)) continue
    try {
      process.kill(Number(pid), 'SIGKILL')
      killed += 1
    } catch {
      // gone meanwhile: the first process of a sandbox takes the others along
    }
  }
  return killed
}
