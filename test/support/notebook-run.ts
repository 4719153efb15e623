/**
 * Runs cells in a real kernel in a real sandbox, in folders of their own that are gone afterwards.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLog } from '../../server/ground/log.ts'
import { type Outcome, type RunOptions, runCells } from '../../server/kernel/execute.ts'
import { createKernels, type Kernels } from '../../server/kernel/kernels.ts'
import { type CodeCell, type Notebook, parseNotebook } from '../../server/kernel/notebook.ts'
import type { SessionLimits } from '../../server/kernel/session.ts'
import { DEFAULT_LIMITS, type SandboxLimits } from '../../server/sandbox/spec.ts'
import { testHost, testImage } from './image.ts'
import { until } from './until.ts'

export interface RunSettings extends Pick<RunOptions, 'limits' | 'times' | 'onEvent' | 'onStream' | 'onOverdue'> {
  readonly signal?: AbortSignal
  readonly sandbox?: Partial<SandboxLimits>
  readonly session?: SessionLimits
  /** Where the kernel comes from; without it the kernel starts cold. */
  readonly kernels?: Kernels
  /** Called with INPUT_DIR before the first cell. */
  readonly stage?: (inputs: string) => Promise<void>
  /** Called with OUTPUT_DIR after the kernel has ended. */
  readonly collect?: (outputs: string) => Promise<void>
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

/** Kernels that are forked, once the fork server is ready. */
export async function openForkedKernels(): Promise<{ readonly kernels: Kernels } & AsyncDisposable> {
  const [image, host] = await shared
  await using parts = new AsyncDisposableStack()
  const root = await mkdtemp(join(tmpdir(), 'fieldbook-test-'))
  parts.defer(() => rm(root, { recursive: true, force: true }))
  const options = { host, root, limits: DEFAULT_LIMITS, spares: 0, forking: true, log: createLog('silent') }
  const kernels = parts.use(createKernels(options))
  kernels.warm(image)
  await until(() => kernels.state[image.version]?.ready === true)
  const owned = parts.move()
  return { kernels, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Runs a notebook in place. */
export async function runNotebook(notebook: Notebook, settings: RunSettings = {}): Promise<Ran> {
  const [image, host] = await shared
  await using parts = new AsyncDisposableStack()
  const root = await mkdtemp(join(tmpdir(), 'fieldbook-test-'))
  parts.defer(() => rm(root, { recursive: true, force: true }))
  const limits = { ...DEFAULT_LIMITS, ...settings.sandbox }
  const kernels = settings.kernels ?? parts.use(coldKernels())
  const signal = settings.signal ? { signal: settings.signal } : {}
  const session = settings.session ? { sessionLimits: settings.session } : {}
  await using seat = await kernels.take({ image, limits, ...session, ...signal })
  await settings.stage?.(seat.inputs)
  const opened = await seat.kernel
  const outcome = await runIn()
  await settings.collect?.(opened.outputs)
  const cells = notebook.cells.filter((cell) => cell.cell_type === 'code')
  return { outcome, notebook, cells, printed: cells.map(stdoutOf).join('') }

  function coldKernels(): Kernels {
    return createKernels({ host, root, limits, spares: 0, forking: false, log: createLog('silent') })
  }

  async function runIn(): Promise<Outcome> {
    await using kernel = opened
    return await runCells({ notebook, kernel, ...signal, ...settings })
  }
}

/** What a cell printed to stdout. */
export function stdoutOf(cell: CodeCell): string {
  return cell.outputs
    .map((output) => (output.output_type === 'stream' && output.name === 'stdout' ? output.text : ''))
    .join('')
}
