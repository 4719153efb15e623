/** Processes as /proc shows them: whose child each one is, and which of them belong to a data folder. */

import { readdirSync, readFileSync } from 'node:fs'

export interface Process {
  readonly pid: number
  readonly parent: number
  readonly command: string
}

/** Every process that is not a zombie. */
export function listProcesses(): Process[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    const stat = read(`/proc/${name}/stat`)
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (state === undefined || parent === undefined || state === 'Z') return []
    return [{ pid: Number(name), parent: Number(parent), command: read(`/proc/${name}/cmdline`).replaceAll('\0', ' ') }]
  })
}

/** What a process has started, at any depth, nearest first. */
export function descendantsOf(ancestor: number, all: readonly Process[] = listProcesses()): Process[] {
  const children = all.filter(({ parent }) => parent === ancestor)
  return [...children, ...children.flatMap(({ pid }) => descendantsOf(pid, all))]
}

/** Processes that have a folder in their command, their environment or their mounts. */
export function processesOf(folder: string): Process[] {
  return listProcesses().filter(
    ({ pid, command }) =>
      pid !== process.pid &&
      (command.includes(folder) ||
        ['environ', 'mountinfo'].some((name) => read(`/proc/${pid}/${name}`).includes(folder))),
  )
}

/** Sends a signal; false when the process was gone already. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}

/** Gone, or not ours to read. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
