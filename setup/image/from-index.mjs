// The image from a Python package index: a virtual environment holding exactly requirements.lock, every file checked
// against its hash. The user's own pip settings (mirror, proxy, no index at all) hold.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { runCommand } from '../command.mjs'
import { diskIsFull, fullDisk, SetupFailure } from '../failure.mjs'
import { placePip } from './pip.mjs'
import { findPython, pythonEnv } from './python.mjs'

const PROBE_MS = 8_000
const advice = 'Check the network, or name a mirror in PIP_INDEX_URL.'

// Prefixes that every sandbox sees anyway.
const SYSTEM = ['/usr', '/usr/local', '/']

/** Builds the environment in `folder`; throws a SetupFailure when there is no Python or no index. */
export async function buildFromIndex({ folder, described, say }) {
  say('looking for Python')
  const found = await findPython()
  const venv = join(folder, 'venv')
  await makeVenv(found.python, venv)
  const python = join(venv, 'bin', 'python')
  const tools = join(folder, 'tools')
  const pip = await placePip({ ...found, python, folder: tools, say })
  const lock = join(described, 'requirements.lock')
  await probeIndex({ python, pip, lock, folder: tools, say })
  await install({ python, pip, lock, say })
  rmSync(tools, { recursive: true, force: true })
  const prefixes = found.prefixes.filter((prefix) => !SYSTEM.includes(prefix))
  return {
    python,
    pythonVersion: found.version,
    mounts: [venv, ...prefixes].map((path) => ({ source: path, target: path })),
    env: {},
  }
}

async function makeVenv(python, venv) {
  const { ok, tail } = await runCommand(python, ['-I', '-m', 'venv', '--without-pip', venv], { env: pythonEnv() })
  if (ok) return
  if (diskIsFull(tail)) throw fullDisk()
  throw new SetupFailure(`${python} can't make a virtual environment: ${tail}`, 'Install the package python3-venv.')
}

/**
 * Downloads one small package (12 kB) to see that the index answers, and gives up after eight seconds whatever the
 * machine's pip settings say: they may allow minutes, and there is another way to the image.
 */
async function probeIndex({ python, pip, lock, folder, say }) {
  say('looking for a package index')
  const small = readFileSync(lock, 'utf8').match(/^pure-eval==(?:.*\\\n)*.*\n/m)?.[0]
  if (!small) throw new Error('requirements.lock names no pure-eval, the package the index is tried with')
  const probe = join(folder, 'probe')
  mkdirSync(probe)
  writeFileSync(join(probe, 'requirements.txt'), small)
  const args = ['download', '--no-deps', '--no-cache-dir', '-d', probe, '-r', join(probe, 'requirements.txt')]
  const result = await runPip(python, pip, [...args, '--timeout', '4', '--retries', '0'], { limitMs: PROBE_MS })
  if (result.ok) return
  if (diskIsFull(result.tail)) throw fullDisk()
  // Without retries pip tells an unreachable index and one without the package in the same words.
  const why =
    result.reason === 'exited'
      ? `it is not there or lacks the package (pip: ${errorOf(result.tail)})`
      : `no answer within ${PROBE_MS / 1000} s`
  throw new SetupFailure(`No Python package index could be reached: ${why}`, advice)
}

async function install({ python, pip, lock, say }) {
  let packages = 0
  const onLine = (line) => {
    if (/^Collecting /.test(line)) {
      packages += 1
      say(`downloading package ${packages}`)
    } else if (line.startsWith('Installing collected packages: ')) {
      say(`installing ${line.split(',').length} packages`)
    }
  }
  // Three silent minutes: the longest single step is unpacking everything on a slow disk.
  const result = await runPip(python, pip, ['install', '-r', lock, '--timeout', '15', '--retries', '1'], {
    onLine,
    silentMs: 180_000,
  })
  if (result.ok) return
  if (diskIsFull(result.tail)) throw fullDisk()
  const why = result.reason === 'exited' ? errorOf(result.tail) : 'it stopped answering'
  throw new SetupFailure(`The package index failed while installing: ${why}`, advice)
}

function runPip(python, pip, [command, ...args], options) {
  const flags = ['--require-hashes', '--only-binary', ':all:', '--progress-bar', 'off']
  const quiet = ['--no-input', '--disable-pip-version-check']
  return runCommand(python, ['-I', pip, command, ...flags, ...quiet, ...args], {
    // Below the build, so that an interrupted one leaves nothing in /tmp.
    env: pythonEnv({ PIP_ROOT_USER_ACTION: 'ignore', TMPDIR: dirname(pip) }),
    ...options,
  })
}

function errorOf(tail) {
  const lines = tail.split('\n').filter((line) => line.trim() !== '')
  return lines.findLast((line) => line.startsWith('ERROR')) ?? lines.at(-1) ?? 'pip said nothing'
}
