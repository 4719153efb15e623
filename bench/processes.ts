/** What processes take, read from /proc: memory of one, of all with a word in their command line, of the machine. */

import { readdir, readFile, writeFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'

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

export interface Peak {
  /** Of all groups together, at one moment, in MB. */
  readonly sumMb: number
  /** Of each group at that moment. */
  readonly groups: Readonly<Record<string, number>>
}

const SAMPLE_MS = 50

/**
 * The most memory that groups of processes took together while `work` went on, looked at every 50 ms: the proportional
 * share (PSS), in which a page that several processes have counts once. Looking costs the processes some time.
 */
export async function peakWhile(
  groups: Readonly<Record<string, () => Promise<readonly number[]>>>,
  work: () => Promise<void>,
): Promise<Peak> {
  let peak: Peak = { sumMb: 0, groups: {} }
  let isOver = false
  const watching = async () => {
    while (!isOver) {
      const found = await Promise.all(
        Object.entries(groups).map(async ([name, pids]): Promise<[string, number]> => {
          const shares = await Promise.all((await pids()).map(proportionalMb))
          return [name, shares.reduce((sum, mb) => sum + mb, 0)]
        }),
      )
      const sumMb = found.reduce((sum, [, mb]) => sum + mb, 0)
      if (sumMb > peak.sumMb) peak = { sumMb, groups: Object.fromEntries(found) }
      await setTimeout(SAMPLE_MS)
    }
  }
  const watcher = watching()
  try {
    await work()
  } finally {
    isOver = true
    await watcher
  }
  return peak
}

/** 0 for a process that has just ended. */
async function proportionalMb(pid: number): Promise<number> {
  return kilobytes(await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => ''), 'Pss') / MB
}
