// Finds a Python to build the image on: a real interpreter of a version the lock file covers, never a version
// manager's shim or somebody's virtual environment.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '../command.mjs'
import { SetupFailure } from '../failure.mjs'
import { root } from '../places.mjs'

const OLDEST = 10
const NEWEST = 14
const probe = join(root, 'setup', 'image', 'probe.py')

/** Resolves with `{ python, version, prefixes, wheels }` of the first candidate that fits; says what was wrong with each. */
export async function findPython() {
  const refused = []
  for (const candidate of candidates()) {
    const { ok, stdout, reason, tail } = await runCommand(candidate, ['-I', '-S', probe], { limitMs: 15_000 })
    if (reason === 'missing') continue
    const problem = ok ? unfit(JSON.parse(stdout)) : `does not start: ${tail.split('\n').at(-1)}`
    if (!problem) return JSON.parse(stdout)
    refused.push(`${candidate} ${problem}`)
  }
  throw new SetupFailure(
    `No Python 3.${OLDEST} to 3.${NEWEST} was found${refused.length ? ` (${refused.join('; ')})` : ''}.`,
    `Install Python 3.${OLDEST} or newer, or name one in FIELDBOOK_PYTHON.`,
  )
}

function candidates() {
  const named = process.env.FIELDBOOK_PYTHON
  const versions = Array.from({ length: NEWEST - OLDEST + 1 }, (_, index) => `python3.${NEWEST - index}`)
  return [...(named ? [named] : []), 'python3', '/usr/bin/python3', ...versions]
}

function unfit({ python, version, missing, isFreeThreaded }) {
  const [major, minor] = version.split('.').map(Number)
  if (major !== 3 || minor < OLDEST || minor > NEWEST) return `is version ${version}`
  if (isFreeThreaded) return 'is a free-threaded build, for which many packages are missing'
  if (missing.length > 0) return `lacks the modules ${missing.join(', ')}`
  if (!existsSync(python)) return 'does not tell where its interpreter is'
  return undefined
}

/** The environment for running Python: without the variables that would bend its import path or pip's target. */
export function pythonEnv(more = {}) {
  const bending =
    /^(PYTHON(?!UNBUFFERED)|PIP_(TARGET|PREFIX|USER|ROOT|REQUIREMENT|CONSTRAINT|REQUIRE_VIRTUALENV)$|VIRTUAL_ENV)/
  return { ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !bending.test(name))), ...more }
}
