// The image from the distribution's packages, for machines without a Python package index: unpacked into a folder,
// used by the system's own Python, nothing installed.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { hasApt, unpackPackages } from '../apt.mjs'
import { runCommand } from '../command.mjs'
import { SetupFailure } from '../failure.mjs'
import { pythonEnv } from './python.mjs'
import { relocate } from './relocate.mjs'

const REQUIRED = ['python3-ipykernel', 'python3-pandas', 'python3-matplotlib', 'python3-nbconvert', 'python3-nbformat']
const SYSTEM_PYTHON = '/usr/bin/python3'
const OLDEST = '3.10'

/** Builds the tree in `folder`; throws a SetupFailure when this is no Debian or its mirror does not answer. */
export async function buildFromDebian({ folder, described, say }) {
  if (!hasApt())
    throw new SetupFailure('This is no Debian or Ubuntu, whose packages could be used instead.', 'Use one.')
  const tree = join(folder, 'tree')
  await unpack(tree, readNames(join(described, 'debian.txt')), say)
  say('fitting the packages to their folder')
  relocate(tree)
  keepMatplotlibSettings(tree)
  const env = environmentOf(tree)
  const { python, pythonVersion } = await pythonOf(tree, env)
  await compile(python, { tree, env, say })
  return { python, pythonVersion, mounts: [{ source: tree, target: tree }], env }
}

async function unpack(tree, names, say) {
  try {
    await unpackPackages(names, { required: REQUIRED, into: tree, say })
  } catch (error) {
    if (error instanceof SetupFailure) throw error
    throw new SetupFailure(
      `The distribution's packages could not be had either: ${error.message}`,
      'Make the package mirror of this machine work (apt-get update shows how it fails).',
    )
  }
}

/** Debian's own Python, for which its packages are compiled; python3 on PATH may be another one. */
async function pythonOf(tree, env) {
  const versioned = readdirSync(join(tree, 'usr', 'bin'), { withFileTypes: true })
    .map((entry) => entry.name)
    .find((name) => /^python3\.\d+$/.test(name))
  const python = existsSync(SYSTEM_PYTHON) ? SYSTEM_PYTHON : join(tree, 'usr', 'bin', versioned ?? 'python3')
  const { ok, stdout, tail } = await runCommand(python, ['-c', 'import platform; print(platform.python_version())'], {
    env: pythonEnv(env),
  })
  if (!ok) throw new SetupFailure(`The distribution's Python does not start: ${tail}`, 'Install the package python3.')
  if (Number(stdout.split('.')[1]) < Number(OLDEST.split('.')[1])) {
    throw new SetupFailure(`The distribution's Python is ${stdout}; ${OLDEST} is needed.`, 'Use a newer release of it.')
  }
  return { python, pythonVersion: stdout }
}

/** A matplotlib that is installed on the system reads its settings from /etc, which a sandbox does not show. */
function keepMatplotlibSettings(tree) {
  const system = '/etc/matplotlibrc'
  const ours = join(tree, system)
  if (existsSync(ours) || !existsSync(system)) return
  mkdirSync(dirname(ours), { recursive: true })
  copyFileSync(system, ours)
}

/** Where Python and the loader find what Debian would have put under /usr. */
function environmentOf(tree) {
  const share = join(tree, 'usr', 'share')
  const environment = {
    PYTHONPATH: join(tree, 'usr', 'lib', 'python3', 'dist-packages'),
    LD_LIBRARY_PATH: libraryFolders(tree).join(':'),
    JUPYTER_PATH: join(share, 'jupyter'),
    MATPLOTLIBRC: join(tree, 'etc', 'matplotlibrc'),
    // Only where the system has no time zones of its own.
    ...(existsSync('/usr/share/zoneinfo/UTC')
      ? {}
      : { PYTHONTZPATH: join(share, 'zoneinfo'), TZDIR: join(share, 'zoneinfo') }),
  }
  return Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== '' && existsSync(value.split(':')[0])),
  )
}

/** The folders with shared libraries; BLAS and LAPACK lie one deeper, where Debian's alternatives would point. */
function libraryFolders(tree) {
  const found = []
  for (const lib of [join(tree, 'usr', 'lib'), join(tree, 'lib')]) {
    for (const triplet of foldersIn(lib).filter((name) => name.includes('-linux-gnu'))) {
      const folder = join(lib, triplet)
      const alternatives = foldersIn(folder).filter((name) =>
        ['libblas.so.3', 'liblapack.so.3'].some((library) => existsSync(join(folder, name, library))),
      )
      // OpenBLAS before the slow reference libraries, where both came along.
      alternatives.sort((a, b) => Number(b.startsWith('openblas')) - Number(a.startsWith('openblas')))
      found.push(folder, ...alternatives.map((name) => join(folder, name)))
    }
  }
  return found
}

async function compile(python, { tree, env, say }) {
  say('compiling the Python files')
  const packages = join(tree, 'usr', 'lib', 'python3', 'dist-packages')
  if (!existsSync(packages)) return
  // A file that doesn't compile (a template, a test for Python 2) is compiled by nobody later either: no failure.
  await runCommand(python, ['-m', 'compileall', '-q', '-q', '-j', '0', '-x', '/tests?/', packages], {
    env: pythonEnv(env),
  })
}

function foldersIn(folder) {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
}

/** One package name per line; `#` starts a comment. */
function readNames(path) {
  return readFileSync(path, 'utf8')
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '')
}
