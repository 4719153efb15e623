// Step "image v4": the Python environment notebooks run in. From the Python package index where one can be reached,
// else from the distribution's packages; what came out is recorded in image.json, which is written last.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cleanApt } from '../apt.mjs'
import { SetupFailure } from '../failure.mjs'
import { root, stateFolder, writeWhole } from '../places.mjs'
import { checkImage } from './check.mjs'
import { buildFromDebian } from './debian.mjs'
import { buildFromIndex } from './from-index.mjs'

const version = 'v4'
const described = join(root, 'runner', 'images', version)
const home = join(stateFolder, 'images', version)
const record = join(home, 'image.json')
const WAYS = { index: buildFromIndex, debian: buildFromDebian }

export const imageStep = {
  name: `image ${version}`,
  // From the index it has 840 MB when it is made, beside the archives; Debian's packages are 150 MB, unpacked 600 MB.
  neededMB: 1100,
  isDone() {
    const image = readRecord()
    return image !== undefined && image.key === currentKey() && existsSync(image.python)
  },
  /** `npm run setup -- --rebuild` builds anew; `--image-source=index` or `=debian` allows only that way. */
  isForced: (args) => args.includes('--rebuild') || wantedSource(args) !== undefined,
  async run(say, args) {
    // A folder of its own for each attempt: a virtual environment can't be moved, and a service may still be using
    // the image that is being replaced. The pointer to it, image.json, changes last.
    const folder = join(home, `build-${Date.now().toString(36)}`)
    removeBuilds((name) => name !== readRecord()?.build)
    mkdirSync(folder, { recursive: true })
    const image = await build(folder, { say, source: wantedSource(args) })
    const buildName = folder.slice(home.length + 1)
    writeWhole(record, `${JSON.stringify({ version, ...image, key: currentKey(), build: buildName }, null, 2)}\n`)
    removeBuilds((name) => name !== buildName)
    cleanApt()
    return { summary: summary(image) }
  },
}

/** Tries the ways in their order; when none works, the reason of each is told in one message. */
async function build(folder, { say, source }) {
  const reasons = []
  for (const [name, buildThisWay] of Object.entries(WAYS)) {
    if (source && source !== name) continue
    const place = join(folder, name)
    mkdirSync(place)
    try {
      const environment = await buildThisWay({ folder: place, described, say })
      return {
        source: name,
        fellBack: reasons.length > 0,
        ...environment,
        ...(await checkImage(environment, { folder: place, say })),
      }
    } catch (error) {
      rmSync(place, { recursive: true, force: true })
      if (!(error instanceof SetupFailure) || isAboutDisk(error)) throw error
      reasons.push(error)
    }
  }
  throw new SetupFailure(
    reasons.map((error) => error.reason).join('\n'),
    reasons.map((error) => error.advice).join('\nor: '),
  )
}

function isAboutDisk(error) {
  return /disk/.test(error.reason)
}

function wantedSource(args) {
  const given = args.find((arg) => arg.startsWith('--image-source='))?.split('=')[1]
  if (given === undefined || Object.hasOwn(WAYS, given)) return given
  throw new SetupFailure(`There is no image source "${given}".`, `Name one of: ${Object.keys(WAYS).join(', ')}.`)
}

function summary({ source, fellBack, pythonVersion, packages }) {
  const instead = fellBack ? ' (older versions, because no package index could be reached)' : ''
  const from = source === 'index' ? 'the package index' : `the distribution${instead}`
  return `${Object.keys(packages).length} packages from ${from}, Python ${pythonVersion}`
}

/** Removes abandoned builds: of a killed set-up, or the one that was just replaced. */
function removeBuilds(isUnwanted) {
  if (!existsSync(home)) return
  for (const name of readdirSync(home)) {
    if (name.startsWith('build-') && isUnwanted(name))
      rmSync(join(home, name), { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Changes with the lists the image is made from and with the place of the repository, whose paths are baked in. */
function currentKey() {
  const hash = createHash('sha256').update(root)
  for (const file of ['requirements.lock', 'debian.txt']) hash.update(readFileSync(join(described, file)))
  return hash.digest('hex').slice(0, 16)
}

function readRecord() {
  try {
    return JSON.parse(readFileSync(record, 'utf8'))
  } catch {
    return undefined
  }
}
