/**
 * An image: a Python environment on this machine together with what a sandbox has to mount and set so that it runs.
 * Images are described by the `image.json` that set-up writes; this file only reads it and never looks for Python itself.
 */
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Kernelspec, readKernelspecs } from './kernelspecs.ts'

export interface ImageMount {
  readonly source: string
  readonly target: string
}

export interface Image {
  readonly version: string
  /** Where the packages came from: `index` (pip) or `debian`. */
  readonly source: string
  readonly python: string
  readonly pythonVersion: string
  readonly mounts: readonly ImageMount[]
  readonly env: Readonly<Record<string, string>>
  /** Matplotlib's ready-made font lists; without one a sandbox's first plot spends 0.6 s on making it. */
  readonly fontFiles: readonly string[]
  readonly packages: Readonly<Record<string, string>>
  /** Kernels of other languages. */
  readonly kernelspecs: readonly Kernelspec[]
}

/** Reads an `image.json`; throws when it is missing or not of the shape set-up writes, naming the field. */
export async function readImage(path: string): Promise<Image> {
  const described: unknown = JSON.parse(await readFile(path, 'utf8'))
  const image = parseImage(described, await fontFilesIn(described, path))
  return { ...image, kernelspecs: await readKernelspecs(image) }
}

/** The pure half of `readImage`, for descriptions that are not in a file. */
export function parseImage(described: unknown, fontFiles: readonly string[] = []): Image {
  const image = asObject(described, 'image')
  return {
    version: text(image, 'version'),
    source: text(image, 'source'),
    python: absolute(text(image, 'python'), 'python'),
    pythonVersion: text(image, 'pythonVersion'),
    mounts: mountsOf(image['mounts']),
    env: texts(image['env'] ?? {}, 'env'),
    fontFiles,
    packages: texts(image['packages'] ?? {}, 'packages'),
    kernelspecs: [],
  }
}

async function fontFilesIn(described: unknown, path: string): Promise<string[]> {
  const folder = asObject(described, 'image')['fontCache']
  if (typeof folder !== 'string') return []
  const absoluteFolder = folder.startsWith('/') ? folder : join(dirname(path), folder)
  const names = await readdir(absoluteFolder).catch(() => [])
  return names.filter((name) => /^fontlist-.*\.json$/.test(name)).map((name) => join(absoluteFolder, name))
}

function mountsOf(value: unknown): ImageMount[] {
  if (!Array.isArray(value)) throw new Error('image: "mounts" must be a list')
  return value.map((entry: unknown, index) => {
    const mount = asObject(entry, `mounts[${index}]`)
    return {
      source: absolute(text(mount, 'source'), `mounts[${index}].source`),
      target: absolute(text(mount, 'target'), `mounts[${index}].target`),
    }
  })
}

function asObject(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(`${what} must be an object`)
  return value as Record<string, unknown> // parsed JSON: any object has string keys and unknown values
}

function text(object: Record<string, unknown>, key: string): string {
  const value = object[key]
  if (typeof value !== 'string' || value === '') throw new Error(`image: "${key}" must be a text`)
  return value
}

function texts(value: unknown, what: string): Record<string, string> {
  const object = asObject(value, what)
  return Object.fromEntries(Object.keys(object).map((key) => [key, text(object, key)]))
}

function absolute(path: string, what: string): string {
  if (!path.startsWith('/')) throw new Error(`image: "${what}" must be an absolute path, not "${path}"`)
  return path
}
