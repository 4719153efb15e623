/**
 * The Chromium that set-up found or fetched, by the `browser.json` that it writes; and how it is started so that it asks
 * nobody for anything.
 */
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { unavailable } from '../ground/errors.ts'
import type { Mount } from '../sandbox/spec.ts'
import { asValues } from './devtools.ts'

export interface Browser {
  readonly program: string
  /** For people: `the system`, `npm` or `the distribution`. */
  readonly source: string
  readonly version: string
  /** What a sandbox has to show besides the system: settings and fonts, and the program where it is not the system's. */
  readonly mounts: readonly Mount[]
  readonly env: Readonly<Record<string, string>>
}

/** Reads what set-up wrote. @throws unavailable, with the reason and what to do, where there is no browser */
export async function readBrowser(toolsDir: string): Promise<Browser> {
  let known: Readonly<Record<string, unknown>>
  try {
    known = asValues(JSON.parse(await readFile(join(toolsDir, 'chromium', 'browser.json'), 'utf8')))
  } catch (cause) {
    throw unavailable('No browser is set up on this machine; run "npm run setup"', cause)
  }
  if (known['problem'] !== undefined) throw unavailable(String(known['problem']))
  const { program, source, version, folder, fontSettings, libraries } = known
  const paths = Array.isArray(libraries) ? libraries.map(String) : []
  return {
    program: String(program),
    source: String(source),
    version: String(version),
    mounts: mountsOf(String(program), String(folder)),
    env: {
      FONTCONFIG_FILE: String(fontSettings),
      ...(paths.length > 0 ? { LD_LIBRARY_PATH: paths.join(':') } : {}),
    },
  }
}

function mountsOf(program: string, folder: string): Mount[] {
  const isThere = program.startsWith('/usr/') || program.startsWith(`${folder}/`)
  return [folder, ...(isThere ? [] : [dirname(program)])].map((path) => ({ source: path, target: path }))
}

/**
 * The command that starts it with its profile in `profile`, speaking the DevTools protocol on descriptors 3 and 4. Its own
 * sandbox is off: it would need namespaces and privileges that the one around it takes away.
 */
export function browserCommand({ program }: Browser, profile: string): readonly [string, ...string[]] {
  return [
    program,
    ...['--headless', '--remote-debugging-pipe', `--user-data-dir=${profile}`, '--no-sandbox', '--no-zygote'],
    // WebGL, which plots in three dimensions draw with, in software.
    ...['--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist', '--in-process-gpu'],
    ...['--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-extensions'],
    ...['--disable-default-apps', '--disable-breakpad', '--disable-domain-reliability', '--no-pings'],
    ...['--no-first-run', '--no-default-browser-check', '--mute-audio', '--hide-scrollbars'],
    ...['--disable-background-timer-throttling', '--disable-renderer-backgrounding'],
    // Letters keep their shapes when a page is scaled.
    '--font-render-hinting=none',
  ]
}
