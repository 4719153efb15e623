// Finds out whether a Chromium starts here, by asking it for its version: what it can't load, it misses at once.
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { SetupFailure } from '../failure.mjs'
import { noteRunning } from '../identity.mjs'

const LIMIT_MS = 30_000

/** The version of a candidate, by its own word; throws a SetupFailure with what it says instead. */
export async function tryBrowser({ program, libraries, source }, { building, home }) {
  // It is not yet where it will be.
  const now = (path) => path.replace(home, building)
  const profile = join(building, 'profile')
  const flags = ['--headless', '--no-sandbox', '--no-zygote', '--disable-gpu', '--no-first-run']
  const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync']
  const place = ['--remote-debugging-pipe', `--user-data-dir=${profile}`]
  const { version, said } = await askVersion(now(program), [...flags, ...quiet, ...place], {
    PATH: '/usr/bin:/bin',
    HOME: building,
    ...(libraries.length > 0 ? { LD_LIBRARY_PATH: libraries.map(now).join(':') } : {}),
  })
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  if (version) return version
  const missing = /error while loading shared libraries: ([^:]+)/.exec(said)?.[1]
  const why = missing ? `${missing} is missing` : said.trim().split('\n').at(-1) || 'it says nothing'
  throw new SetupFailure(`the one of ${source} does not start: ${why}`, 'Install Chromium with the package manager.')
}

/** It reads descriptor 3 and answers on 4, each message ended by a zero byte. */
function askVersion(program, args, env) {
  const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'], detached: true })
  if (child.pid) noteRunning(child.pid)
  const heard = { answer: '', said: '' }
  child.stdio[3].on('error', () => {})
  child.stdio[3].write('{"id":1,"method":"Browser.getVersion"}\0')
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(limit)
      try {
        // Its processes form a group, and don't all end with the first.
        if (child.pid) process.kill(-child.pid, 'SIGKILL')
      } catch {
        // it has ended by itself
      }
      resolve({ version: /Chrome\/([\d.]+)/.exec(heard.answer)?.[1], said: heard.said })
    }
    const limit = setTimeout(end, LIMIT_MS)
    child.stderr.on('data', (chunk) => {
      heard.said = (heard.said + chunk).slice(-4096)
    })
    child.stdio[4].on('data', (chunk) => {
      heard.answer += chunk
      if (heard.answer.includes('\0')) end()
    })
    child.on('error', (error) => {
      heard.said = error.message
      end()
    })
    child.on('exit', () => setImmediate(end))
  })
}
