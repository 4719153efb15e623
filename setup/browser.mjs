// Step "browser": the headless Chromium that makes PDF files of results, and fonts for it. The system's own where there
// is one, else npm's, else the distribution's package, unpacked and not installed. Without any of them everything else
// works, so that is a warning; it is not tried again at every start, only by `npm run setup`.
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cleanApt, hasApt, unpackPackages } from './apt.mjs'
import { fontPlaces, fontSettings } from './browser/fonts.mjs'
import { fromDebian, fromNpm, fromSystem } from './browser/sources.mjs'
import { tryBrowser } from './browser/try.mjs'
import { SetupFailure } from './failure.mjs'
import { root, stateFolder, writeWhole } from './places.mjs'

const home = join(stateFolder, 'chromium')
const record = join(home, 'browser.json')
const WAYS = [fromSystem, fromNpm, fromDebian]

export const browserStep = {
  name: 'browser',
  // Unpacked 230 MB, beside the archive of 70 MB that it is made from.
  neededMB: 350,
  isDone() {
    const known = readRecord()
    return known?.key === currentKey() && (known.problem !== undefined || existsSync(known.program))
  },
  isForced: () => readRecord()?.problem !== undefined,
  async run(say) {
    const building = `${home}.new`
    rmSync(building, { recursive: true, force: true })
    mkdirSync(building, { recursive: true })
    const found = await find(building, say)
    const fonts = found.program ? await fetchFonts(building, say) : undefined
    rmSync(home, { recursive: true, force: true })
    renameSync(building, home)
    cleanApt()
    if (!found.program) {
      writeWhole(record, text({ problem: found.problem }))
      return { warning: `${found.problem}\n  Until then result.pdf is not made; everything else works.` }
    }
    const { settings, folders } = fontPlaces(home)
    writeWhole(settings, fontSettings(folders))
    writeWhole(record, text({ ...found, folder: home, fontSettings: settings }))
    const summary = `Chromium ${found.version} of ${found.source}`
    return fonts?.problem ? { warning: `${summary}; ${fonts.problem}` } : { summary }
  },
}

/** The first one that shows a page; when none does, the reason of each. */
async function find(building, say) {
  const problems = []
  for (const from of WAYS) {
    try {
      const candidate = await from({ building, home, say })
      if (!candidate) continue
      say('trying the browser')
      return { ...candidate, version: await tryBrowser(candidate, { building, home }) }
    } catch (error) {
      if (!(error instanceof SetupFailure)) throw error
      if (/disk/.test(error.reason)) throw error
      problems.push(firstSentence(error.reason))
    }
  }
  const why = problems.length > 0 ? ` (${problems.join('; ')})` : ''
  return {
    problem: `There is no browser to make PDF files with${why}. Install Chromium with the package manager of this machine (for example: apt install chromium), then: npm run setup`,
  }
}

/** The rest is what a program printed. */
const firstSentence = (reason) => reason.split('\n')[0].replace(/\.$/, '')

/** Letters of all the languages that people write in; what the system has is used as well. */
async function fetchFonts(building, say) {
  if (!hasApt()) return undefined
  try {
    const names = ['fonts-dejavu-core', 'fonts-droid-fallback', 'fonts-noto-color-emoji']
    await unpackPackages(names, { required: [], into: join(building, 'fonts'), say })
    return undefined
  } catch (error) {
    return { problem: `fonts for Chinese, Japanese and Korean could not be fetched: ${error.message}` }
  }
}

const text = (known) => `${JSON.stringify({ ...known, key: currentKey() }, null, 2)}\n`

/** Changes with the version that is fetched and with the place of the repository, whose paths are in the record. */
function currentKey() {
  const lock = JSON.parse(readFileSync(join(root, 'setup', 'chromium', 'package-lock.json'), 'utf8'))
  return `${lock.packages['node_modules/@sparticuz/chromium'].version} 1 ${root}`
}

function readRecord() {
  try {
    return JSON.parse(readFileSync(record, 'utf8'))
  } catch {
    return undefined
  }
}
