/**
 * The kernels that an image has besides its Python: kernel specs, where Jupyter's own tools put them ("Making kernels for
 * Jupyter" in jupyter_client's documentation). Whoever installs one into the image's folder has added a language.
 */
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export interface Kernelspec {
  readonly name: string
  readonly language: string
  /** The command, in which `{connection_file}` stands for the file that names the sockets. */
  readonly argv: readonly [string, ...string[]]
  readonly env: Readonly<Record<string, string>>
}

/** Specs of other languages than Python, by name; one that can't be read is left out, as Jupyter leaves it out. */
export async function readKernelspecs(image: {
  readonly python: string
  readonly env: Readonly<Record<string, string>>
}): Promise<Kernelspec[]> {
  const shares = [join(dirname(dirname(image.python)), 'share', 'jupyter'), ...jupyterPath(image.env)]
  const found = await Promise.all(shares.map((share) => specsIn(join(share, 'kernels'))))
  const byName = new Map(found.flat().map((spec) => [spec.name, spec]))
  return [...byName.values()].filter(({ language }) => !isPython(language))
}

/** Whether a notebook's or a kernel's word for its language means Python. */
export const isPython = (language: string) => /^i?python\d*$/i.test(language)

const jupyterPath = (env: Readonly<Record<string, string>>) => (env['JUPYTER_PATH'] ?? '').split(':').filter(Boolean)

async function specsIn(folder: string): Promise<Kernelspec[]> {
  const names = await readdir(folder).catch(() => [])
  const specs = await Promise.all(
    names.map(async (name) =>
      parseKernelspec(name, await readFile(join(folder, name, 'kernel.json'), 'utf8').catch(() => '')),
    ),
  )
  return specs.filter((spec) => spec !== undefined)
}

/** Pure; undefined for what is no kernel spec. */
export function parseKernelspec(name: string, text: string): Kernelspec | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { argv, language, env } = value as Record<string, unknown> // parsed JSON: unknown values under string keys
  if (!Array.isArray(argv) || typeof language !== 'string') return undefined
  const [program, ...args] = argv.filter((part): part is string => typeof part === 'string')
  if (program === undefined) return undefined
  const entries = typeof env === 'object' && env !== null ? Object.entries(env) : []
  const texts = entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  return { name, language, argv: [program, ...args], env: Object.fromEntries(texts) }
}
