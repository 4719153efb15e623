/**
 * Runs cells in a real kernel in a real sandbox, in folders of their own that are gone afterwards.
 */
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Outcome, type RunOptions, runCells } from '../../server/kernel/execute.ts'
import { openKernel } from '../../server/kernel/kernel.ts'
import { type CodeCell, type Notebook, parseNotebook } from '../../server/kernel/notebook.ts'
import type { SessionLimits } from '../../server/kernel/session.ts'
import { DEFAULT_LIMITS, type SandboxLimits } from '../../server/sandbox/spec.ts'
import { testHost, testImage } from './image.ts'

export interface RunFolders {
  readonly inputs: string
  readonly outputs: string
  readonly work: string
}

export interface RunSettings extends Pick<RunOptions, 'limits' | 'onProgress' | 'onOutput' | 'onStream'> {
  readonly signal?: AbortSignal
  readonly sandbox?: Partial<SandboxLimits>
  readonly session?: SessionLimits
  /** Called with the empty folders before the kernel starts. */
  readonly stage?: (folders: RunFolders) => Promise<void>
  /** Called with the folders after the kernel has ended. */
  readonly collect?: (folders: RunFolders) => Promise<void>
}

export interface Ran {
  readonly outcome: Outcome
  readonly notebook: Notebook
  readonly cells: readonly CodeCell[]
  /** stdout of all cells that ran, joined. */
  readonly printed: string
}

const shared = Promise.all([testImage(), testHost()])

/** Runs code cells given by their source; a pair adds tags. */
export function runSources(
  sources: readonly (string | readonly [string, string[]])[],
  settings?: RunSettings,
): Promise<Ran> {
  const cells = sources.map((entry) => {
    const [source, tags] = typeof entry === 'string' ? [entry, []] : entry
    return { cell_type: 'code', metadata: { tags }, source, outputs: [], execution_count: null }
  })
  const file = { nbformat: 4, nbformat_minor: 4, metadata: {}, cells }
  return runNotebook(parseNotebook(Buffer.from(JSON.stringify(file))), settings)
}

/** Runs a notebook in place. */
export async function runNotebook(notebook: Notebook, settings: RunSettings = {}): Promise<Ran> {
  const [image, host] = await shared
  await using parts = new AsyncDisposableStack()
  const base = await mkdtemp(join(tmpdir(), 'fieldbook-test-'))
  parts.defer(() => rm(base, { recursive: true, force: true }))
  const folders = { inputs: join(base, 'in'), outputs: join(base, 'out'), work: join(base, 'work') }
  for (const folder of Object.values(folders)) await mkdir(folder)
  await settings.stage?.(folders)
  const signal = settings.signal ? { signal: settings.signal } : {}
  const outcome = await runIn()
  await settings.collect?.(folders)
  const cells = notebook.cells.filter((cell) => cell.cell_type === 'code')
  return { outcome, notebook, cells, printed: cells.map(stdoutOf).join('') }

  async function runIn(): Promise<Outcome> {
    const limits = { ...DEFAULT_LIMITS, ...settings.sandbox }
    const session = settings.session ? { sessionLimits: settings.session } : {}
    await using kernel = await openKernel({ image, host, folders, limits, ...session, ...signal })
    return await runCells({ notebook, kernel, ...signal, ...settings })
  }
}

/** What a cell printed to stdout. */
export function stdoutOf(cell: CodeCell): string {
  return cell.outputs
    .map((output) => (output.output_type === 'stream' && output.name === 'stdout' ? output.text : ''))
    .join('')
}

/** Host pids whose command line has the text; for showing that nothing was left. */
export async function pidsWith(text: string): Promise<number[]> {
  const names = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    names.map(async (name) => {
      const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')
      return line.includes(text) ? [Number(name)] : []
    }),
  )
  return found.flat()
}
