// Step "packages": the npm packages of package-lock.json, installed without running anybody's install scripts.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { requireDisk } from './disk.mjs'
import { SetupFailure } from './failure.mjs'
import { npmInstall } from './npm.mjs'
import { root, stateFolder, writeWhole } from './places.mjs'

const lockFile = join(root, 'package-lock.json')
const installedFile = join(root, 'node_modules', '.package-lock.json')
const NEEDED_MB = 450
const stamp = join(stateFolder, 'stamps', 'packages')

export const packagesStep = {
  name: 'packages',
  neededMB: NEEDED_MB,
  isDone: () => existsSync(installedFile) && readIf(stamp) === lockHash(),
  async run(say) {
    if (missingPackages().length > 0) {
      await npmInstall(root, { say, what: `${Object.keys(lockedPackages()).length} packages` })
      await requireAll()
    }
    writeWhole(stamp, lockHash())
    return { summary: 'installed' }
  },
}

/** npm skips an optional package without an error when it can't be fetched or the disk is full. */
async function requireAll() {
  const missing = missingPackages()
  if (missing.length === 0) return
  await requireDisk(NEEDED_MB)
  throw new SetupFailure(
    `npm left out ${missing.map((path) => path.replace('node_modules/', '')).join(', ')}.`,
    'Check that the npm registry has them, or name another one: npm config set registry <address>.',
  )
}

/**
 * The locked packages that this machine needs and has not: none after a whole `npm ci`, be it ours or someone's own,
 * because npm writes its record of node_modules last.
 */
function missingPackages() {
  const record = readIf(installedFile)
  const ourLibc = process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl'
  const installed = record === undefined ? {} : JSON.parse(record).packages
  return Object.entries(lockedPackages())
    .filter(([, locked]) => isForThisMachine(locked, ourLibc))
    .filter(([path, { version, integrity }]) => {
      const found = installed[path]
      return found?.version !== version || found?.integrity !== integrity
    })
    .map(([path]) => path)
}

function isForThisMachine({ os, cpu, libc, optional }, ourLibc) {
  if (!optional) return true
  const fits = (list, own) => list === undefined || list.includes(own)
  return fits(os, process.platform) && fits(cpu, process.arch) && fits(libc, ourLibc)
}

function lockedPackages() {
  const { '': _project, ...packages } = JSON.parse(readFileSync(lockFile, 'utf8')).packages
  return packages
}

function lockHash() {
  return createHash('sha256').update(readFileSync(lockFile)).digest('hex')
}

function readIf(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}
