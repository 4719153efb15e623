// Runs one outside program of the set-up (npm, pip, apt-get) with its output captured and its silence limited.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { noteRunning } from './identity.mjs'

const TAIL_LINES = 60
let running

/**
 * Runs a program to its end and never throws for a failing one.
 * `silentMs` is the longest time without a line of output, `limitMs` the longest time at all; both end it with SIGKILL.
 * @returns {Promise<{ ok: boolean, reason: 'exited' | 'silent' | 'limit' | 'missing', code: number | null, stdout: string, tail: string }>}
 */
export function runCommand(program, args, { env, cwd, onLine, silentMs, limitMs = 15 * 60_000 } = {}) {
  const child = spawn(program, args, { env, cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  running = child
  if (child.pid) noteRunning(child.pid)
  const tail = []
  const stdout = []
  let reason = 'exited'
  const end = (why) => {
    reason = why
    child.kill('SIGKILL')
  }
  const limit = setTimeout(end, limitMs, 'limit')
  const silence = silentMs ? setTimeout(end, silentMs, 'silent') : undefined
  const hear = (line, lines) => {
    silence?.refresh()
    lines?.push(line)
    tail.push(line)
    if (tail.length > TAIL_LINES) tail.shift()
    onLine?.(line)
  }
  createInterface({ input: child.stdout }).on('line', (line) => hear(line, stdout))
  createInterface({ input: child.stderr }).on('line', (line) => hear(line))
  return new Promise((resolve) => {
    const settle = (code) => {
      clearTimeout(limit)
      clearTimeout(silence)
      running = undefined
      resolve({ ok: code === 0, reason, code, stdout: stdout.join('\n'), tail: tail.join('\n') })
    }
    child.on('error', (error) => {
      reason = 'missing'
      tail.push(error.message)
      settle(null)
    })
    child.on('close', settle)
    // A killed apt-get can leave its download methods holding the pipes for a while: don't wait for them.
    child.on('exit', (code) => {
      if (reason !== 'exited') settle(code)
    })
  })
}

/** Kills the program that is running now, for when the set-up itself is told to stop. */
export function endRunningCommand() {
  running?.kill('SIGKILL')
}
