/** What processes take, read from /proc: memory of one, of all with a word in their command line, of the machine. */

import { readdir, readFile, writeFile } from 'node:fs/promises'

const MB = 1024

/** Resident memory of a process now and at its peak since `forgetPeak`, in MB. */
export async function residentMb(pid: number): Promise<{ now: number; peak: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return { now: kilobytes(status, 'VmRSS') / MB, peak: kilobytes(status, 'VmHWM') / MB }
}

/** Lets the peak start anew (proc(5), clear_refs). */
export const forgetPeak = (pid: number) => writeFile(`/proc/${pid}/clear_refs`, '5')

/** What the machine could still give, in MB. */
export async function availableMb(): Promise<number> {
  return kilobytes(await readFile('/proc/meminfo', 'utf8'), 'MemAvailable') / MB
}

/** Processes started by `ancestor`, at any depth, whose command line has the word. */
export async function descendantsWith(ancestor: number, word: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const parents = new Map(await Promise.all(pids.map(async (pid) => [pid, await parentOf(pid)] as const)))
  const descends = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 1 && (pid === ancestor || descends(parents.get(pid)))
  const found = await Promise.all(
    pids.map(async (pid) => {
      if (pid === ancestor || !descends(pid)) return []
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      return line.includes(word) ? [pid] : []
    }),
  )
  return found.flat()
}

/** User and system time of a process so far, in ms; the kernel counts in hundredths of a second. */
export async function cpuMs(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ').at(-1)?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}

async function parentOf(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const parent = text.split(') ').at(-1)?.split(' ')[1]
  return parent === undefined ? undefined : Number(parent)
}

const kilobytes = (text: string, name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0)
