/** Processes of this machine by their command line; for showing that nothing was left. */

import { readdir, readFile } from 'node:fs/promises'

/** Pids, as this process sees them, whose command line has the text. */
export async function pidsWith(text: string): Promise<number[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    names.map(async (name) => {
      const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')
      return line.includes(text) ? [Number(name)] : []
    }),
  )
  return found.flat()
}
