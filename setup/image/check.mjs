// Tries a freshly built image as a notebook would use it, and makes matplotlib's font cache on the way.
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '../command.mjs'
import { diskIsFull, fullDisk, SetupFailure } from '../failure.mjs'
import { root } from '../places.mjs'

const script = join(root, 'setup', 'image', 'check.py')

/**
 * Imports, plots and renders once; returns the packages found and the folder of the font cache, without which the
 * first plot in a sandbox takes 0.6 s longer.
 */
export async function checkImage({ python, env, mounts }, { folder, say }) {
  say('trying it out')
  const fontCache = join(folder, 'matplotlib')
  const home = join(folder, 'home')
  mkdirSync(fontCache, { recursive: true })
  mkdirSync(home, { recursive: true })
  const result = await runCommand(python, [script], {
    // A bare environment, as in the sandbox. XDG_DATA_HOME shows matplotlib the fonts that came with the tree.
    env: {
      PATH: '/usr/bin:/bin',
      LANG: 'C.UTF-8',
      ...env,
      HOME: home,
      MPLCONFIGDIR: fontCache,
      XDG_DATA_HOME: fontsOf(mounts),
    },
    cwd: home,
    limitMs: 120_000,
  })
  rmSync(home, { recursive: true, force: true })
  if (!result.ok) {
    if (diskIsFull(result.tail)) throw fullDisk()
    throw new SetupFailure(
      `The image was built but does not work: ${result.tail.split('\n').at(-1)}`,
      'Run `npm run setup -- --rebuild`; if it fails again, name another Python in FIELDBOOK_PYTHON.',
    )
  }
  const fonts = readdirSync(fontCache).some((file) => file.startsWith('fontlist-'))
  return { ...(fonts ? { fontCache } : {}), packages: JSON.parse(result.stdout.split('\n').at(-1)) }
}

function fontsOf(mounts) {
  return mounts.map(({ source }) => join(source, 'usr', 'share')).find((share) => existsSync(share)) ?? '/nonexistent'
}
