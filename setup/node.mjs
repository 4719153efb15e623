// Step "node": a Node that runs TypeScript from source (24 or newer), from npm where the machine's own is older.
import { copyFileSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from './command.mjs'
import { requireDisk } from './disk.mjs'
import { SetupFailure } from './failure.mjs'
import { npmInstall } from './npm.mjs'
import { root, stateFolder } from './places.mjs'

// 24 is the first with type stripping by default and `await using`.
const NEEDED_MAJOR = 24
const NEEDED_MB = 250
const isNewEnough = Number(process.versions.node.split('.')[0]) >= NEEDED_MAJOR
const folder = join(stateFolder, 'node24')
const fetched = join(folder, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node')

/** The Node that runs the TypeScript: our own process's when it is new enough, else the one this step fetched. */
export function newNode() {
  return isNewEnough ? process.execPath : fetched
}

export const nodeStep = {
  name: 'node',
  neededMB: NEEDED_MB,
  isDone: () => isNewEnough || existsSync(fetched),
  async run(say) {
    if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) throw mustBringNode()
    // Made beside its place and moved there when whole, so that an interrupted download never looks finished.
    const building = `${folder}.new`
    rmSync(building, { recursive: true, force: true })
    mkdirSync(building, { recursive: true })
    for (const file of ['package.json', 'package-lock.json']) {
      copyFileSync(join(root, 'setup', 'node24', file), join(building, file))
    }
    await npmInstall(building, { say, what: `Node ${NEEDED_MAJOR}, because this is ${process.version}` })
    rmSync(folder, { recursive: true, force: true })
    renameSync(building, folder)
    return { summary: await versionOf(fetched) }
  },
}

async function versionOf(node) {
  const { ok, stdout } = await runCommand(node, ['--version'])
  if (ok) return stdout
  rmSync(folder, { recursive: true, force: true })
  // npm skips an optional package without an error when the disk is full.
  await requireDisk(NEEDED_MB)
  throw mustBringNode()
}

function mustBringNode() {
  return new SetupFailure(
    `Node ${process.version} is too old to run TypeScript, and the prebuilt Node ${NEEDED_MAJOR} does not run on this machine (${process.platform} ${process.arch}).`,
    `Install Node ${NEEDED_MAJOR} or newer yourself.`,
  )
}
