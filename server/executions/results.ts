/** The result files of a run: its notebook as far as it got, what it printed, and a page to read when one is asked for. */

import { createWriteStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { notebookChunks } from '../kernel/chunks.ts'
import type { Notebook } from '../kernel/notebook.ts'
import { renderHtml } from '../render/html.ts'
import type { SandboxHost } from '../sandbox/host.ts'
import type { Image } from '../sandbox/image.ts'
import type { SandboxLimits } from '../sandbox/spec.ts'
import { type Failure, resultNotMade } from './causes.ts'
import type { Execution } from './record.ts'

/** The two logs, written as the notebook prints. */
export interface Logs {
  write(name: 'stdout' | 'stderr', text: string): void
  /** Resolves when everything is in the files. */
  close(): Promise<void>
}

/** Creates both log files in `folder`, empty at first. */
export function openLogs(folder: string): Logs {
  const stdout = createWriteStream(join(folder, 'result.log'))
  const stderr = createWriteStream(join(folder, 'result.error.log'))
  return {
    write: (name, text) => (name === 'stdout' ? stdout : stderr).write(text),
    close: async () => {
      stdout.end()
      stderr.end()
      await Promise.all([finished(stdout), finished(stderr)])
    },
  }
}

const RENDER_MS = 120_000

export interface MadeResults {
  /** Public name → path on this machine. */
  readonly files: Map<string, string>
  /** One for each result that was asked for and could not be made. */
  readonly unmade: Failure[]
}

/**
 * Makes the result files in `folder`. The logs and the notebook are always there; the page costs a second of rendering
 * and is made only when an output asks for it.
 */
export async function makeResults(
  execution: Execution,
  notebook: Notebook | undefined,
  folder: string,
  renderer: { image: Image | undefined; host: SandboxHost; limits: SandboxLimits; signal: AbortSignal },
): Promise<MadeResults> {
  const files = new Map(['result.log', 'result.error.log'].map((name) => [name, join(folder, name)]))
  const unmade: Failure[] = []
  if (!notebook) return { files, unmade }
  const ipynbPath = join(folder, 'result.ipynb')
  await writeFile(ipynbPath, notebookChunks(notebook))
  files.set('result.ipynb', ipynbPath)
  const asked = new Set<string>(
    execution.snapshot.outputs.flatMap((output) => (output.outputType === 'executionResult' ? [output.fileName] : [])),
  )
  if (asked.has('result.html') && renderer.image) {
    const { image, host, limits, signal } = renderer
    const htmlPath = join(folder, 'result.html')
    const title = execution.snapshot.name
    const page = await renderHtml({ image, host, limits, ipynbPath, htmlPath, title, deadlineMs: RENDER_MS, signal })
    if (page.kind === 'rendered') files.set('result.html', htmlPath)
    else unmade.push(resultNotMade('result.html', page.message))
  }
  if (asked.has('result.pdf')) unmade.push(resultNotMade('result.pdf', 'this version does not make PDF files yet'))
  return { files, unmade }
}
