/**
 * The places and variables a notebook finds: one table each, and nothing else is ever set.
 * With the sandbox off the same names point at the real folders.
 */
import { basename, dirname, join } from 'node:path'
import type { SandboxHost } from './host.ts'
import type { Image } from './image.ts'
import type { Mount } from './spec.ts'

export interface Folders {
  readonly inputs: string
  readonly outputs: string
  /** The current folder of the notebook; thrown away afterwards. */
  readonly work: string
  /** Short, because a unix socket's path may have 107 bytes. */
  readonly ipc: string
}

export const HOME = '/home/notebook'

/** Where the folders are for the process inside. */
export function placesInside(host: SandboxHost, folders: Folders): Folders {
  if (host.level === 0) return folders
  // Not /work: an image may well live below a folder of that name, and would then have to be mounted into it.
  return { inputs: '/in', outputs: '/out', work: `${HOME}/work`, ipc: '/ipc' }
}

/** The mounts of a run: the image and the inputs read-only, the rest writable. */
export function mountsOf(image: Image, folders: Folders, inside: Folders): Mount[] {
  return [
    ...image.mounts,
    ...fontMounts(image),
    { source: folders.inputs, target: inside.inputs },
    { source: folders.outputs, target: inside.outputs, writable: true },
    { source: folders.work, target: inside.work, writable: true },
    { source: folders.ipc, target: inside.ipc, writable: true },
  ]
}

/** Matplotlib ignores a read-only cache folder, so only the font list itself is mounted, into a writable one. */
export function fontMounts(image: Image): Mount[] {
  return image.fontFiles.map((file) => ({ source: file, target: join(HOME, '.matplotlib', basename(file)) }))
}

/** The documented variables of a run. The kernel adds those of a terminal (`TERM`, `PAGER` …) by itself. */
export function environmentOf(image: Image, inside: Folders, host: SandboxHost): Record<string, string> {
  return {
    INPUT_DIR: inside.inputs,
    OUTPUT_DIR: inside.outputs,
    ...systemEnvironment(image, host.level === 0 ? inside.work : HOME),
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
