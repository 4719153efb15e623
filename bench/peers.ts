/** The peers: nbclient and papermill, run by the image's own interpreter on the same notebook and the same rows. */

import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { BenchNotebook } from './notebooks.ts'

export type PeerName = 'nbclient' | 'papermill'

export interface Peers extends AsyncDisposable {
  /** Those that can be run here; papermill only where a package index could be reached. */
  readonly names: readonly PeerName[]
  /** Why one is left out. */
  readonly missing: string | undefined
  /** Runs a notebook once, from the start of the script to its end. Gives ms. */
  run(name: PeerName, notebook: BenchNotebook): Promise<number>
}

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PEER = fileURLToPath(new URL('peer.py', import.meta.url))
const INSTALL = fileURLToPath(new URL('install-papermill.mjs', import.meta.url))
const LIMIT_MS = 120_000
const execute = promisify(execFile)

/** Finds the image and installs papermill beside it; `historyCsv` is what ours gets as its input. */
export async function openPeers(historyCsv: string): Promise<Peers> {
  const image: { python: string; env: Record<string, string> } = JSON.parse(
    await readFile(join(ROOT, '.fieldbook', 'images', 'v4', 'image.json'), 'utf8'),
  )
  const papermill = await installPapermill()
  const folder = await mkdtemp(join(tmpdir(), 'fieldbook-peers-'))
  const inputs = join(folder, 'in')
  await mkdir(inputs)
  await writeFile(join(inputs, 'history.csv'), historyCsv)
  let runs = 0
  return {
    names: papermill.folder ? ['nbclient', 'papermill'] : ['nbclient'],
    missing: papermill.missing,
    run: async (name, notebook) => {
      const place = join(folder, String(runs++))
      const [outputs, source] = [join(place, 'out'), join(place, 'in.ipynb')]
      await mkdir(outputs, { recursive: true })
      await writeFile(source, notebook.text)
      const env = {
        ...process.env,
        ...image.env,
        INPUT_DIR: inputs,
        OUTPUT_DIR: outputs,
        IPYTHONDIR: join(folder, 'ipython'),
        ...(papermill.folder ? { PYTHONPATH: papermill.folder } : {}),
      }
      const from = performance.now()
      await execute(image.python, [PEER, name, source, join(place, 'result.ipynb')], { env, timeout: LIMIT_MS })
      const tookMs = performance.now() - from
      await rm(place, { recursive: true })
      return tookMs
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

async function installPapermill(): Promise<{ folder?: string; missing: string | undefined }> {
  try {
    const { stdout } = await execute(process.execPath, [INSTALL], { timeout: LIMIT_MS })
    return { folder: stdout.trim(), missing: undefined }
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error)
    return { missing: `papermill is left out: ${said.split('\n').at(-1)}` }
  }
}
