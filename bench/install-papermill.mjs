// Installs papermill beside the image, for the benchmarks only and never into the image, from the package index the
// machine's own pip settings name. Prints the folder; without an index it ends with 1 and says why.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '../setup/command.mjs'
import { placePip } from '../setup/image/pip.mjs'
import { findPython, pythonEnv } from '../setup/image/python.mjs'
import { root } from '../setup/places.mjs'

const lock = join(import.meta.dirname, 'papermill.lock')
const version = createHash('sha256').update(readFileSync(lock)).digest('hex').slice(0, 12)
const bench = join(root, '.fieldbook', 'bench')
const folder = join(bench, `papermill-${version}`)

if (!existsSync(folder)) await install()
console.log(folder)

async function install() {
  const building = `${folder}.part`
  rmSync(building, { recursive: true, force: true })
  mkdirSync(join(building, 'tools'), { recursive: true })
  try {
    const found = await findPython()
    const pip = await placePip({ ...found, folder: join(building, 'tools'), say: () => {} })
    // Everything is pure Python, so whichever Python installs it, the image's can import it.
    const flags = ['--require-hashes', '--only-binary', ':all:', '--no-deps', '--no-compile', '--no-input', '--quiet']
    const quick = ['--disable-pip-version-check', '--timeout', '8', '--retries', '0']
    const args = ['install', ...flags, ...quick, '--target', join(building, 'site'), '-r', lock]
    const { ok, tail } = await runCommand(found.python, ['-I', pip, ...args], { env: pythonEnv(), limitMs: 60_000 })
    if (!ok) throw new Error(tail.split('\n').findLast((line) => line.startsWith('ERROR')) ?? tail)
    renameSync(join(building, 'site'), folder)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(1)
  } finally {
    rmSync(building, { recursive: true, force: true })
  }
}
