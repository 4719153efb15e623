/**
 * The places and variables a notebook finds: one table each, and nothing else is ever set.
 * With the sandbox off the same names point at the real folders.
 */
import { basename, dirname, join } from 'node:path'
import type { SandboxHost } from './host.ts'
import type { Image } from './image.ts'
import type { Mount } from './spec.ts'

export interface Places {
  readonly inputs: string
  readonly outputs: string
  /** The current folder of the notebook; thrown away afterwards. */
  readonly work: string
}

export const HOME = '/home/notebook'

/**
 * What a run finds where namespaces give it a file system of its own. Not /work: an image may well live below a folder of
 * that name, and would then have to be mounted into it.
 */
const PLACES: Places = { inputs: '/in', outputs: '/out', work: `${HOME}/work` }

/** Where a run finds its places; without a mount namespace they are folders below its own one. */
export const placesInside = ({ level }: Pick<SandboxHost, 'level'>, folder: string): Places =>
  level >= 2 ? PLACES : { inputs: join(folder, 'in'), outputs: join(folder, 'out'), work: join(folder, 'work') }

/** Matplotlib ignores a read-only cache folder, so only the font list itself is mounted, into a writable one. */
export function fontMounts(image: Image): Mount[] {
  return image.fontFiles.map((file) => ({ source: file, target: join(HOME, '.matplotlib', basename(file)) }))
}

/** The documented variables of a run. The kernel adds those of a terminal (`TERM`, `PAGER` …) by itself. */
export function environmentOf(image: Image, inside: Places, host: Pick<SandboxHost, 'level'>): Record<string, string> {
  return {
    INPUT_DIR: inside.inputs,
    OUTPUT_DIR: inside.outputs,
    ...systemEnvironment(image, host.level >= 2 ? HOME : inside.work),
  }
}

/** What any program of an image is given, notebook or not. */
export function systemEnvironment(image: Image, home: string): Record<string, string> {
  return {
    HOME: home,
    USER: 'notebook',
    PATH: `${dirname(image.python)}:/usr/local/bin:/usr/bin:/bin`,
    LANG: 'C.UTF-8',
    TZ: 'UTC',
    TMPDIR: home === HOME ? '/tmp' : home,
    MPLCONFIGDIR: join(home, '.matplotlib'),
    ...image.env,
  }
}
