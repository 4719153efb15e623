// Tells a process from a later one with the same number, and finds what a killed set-up left running.
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { stateFolder, writeWhole } from './places.mjs'

const runningFile = join(stateFolder, 'setup.running')

/** Process id and start time: the id alone may belong to somebody else after a restart of the machine. */
export function identityOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name in parentheses may hold spaces; the start time is the 20th field behind it (proc(5)).
    const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    return `${pid} ${startTime}`
  } catch {
    return undefined
  }
}

/** The process id of an identity that still runs. */
export function livingPid(identity) {
  const pid = Number(identity.split(' ')[0])
  return identityOf(pid) === identity ? pid : undefined
}

/** Notes the program the set-up has running, for the set-up that comes after a `kill -9`. */
export function noteRunning(pid) {
  const identity = identityOf(pid)
  if (identity) writeWhole(runningFile, identity)
}

/** Kills the program a killed set-up left behind: a pip or npm still writing would spoil what is built anew. */
export function endLeftOver() {
  try {
    const pid = livingPid(readFileSync(runningFile, 'utf8'))
    if (pid) process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'ESRCH') throw error
  }
  rmSync(runningFile, { force: true })
}
