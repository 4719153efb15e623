/** The result files of a run: its notebook as far as it got, what it printed, and a page to read when one is asked for. */

import { createWriteStream, type WriteStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { finished } from 'node:stream/promises'
import { notebookChunks } from '../kernel/chunks.ts'
import type { Notebook } from '../kernel/notebook.ts'
import { renderHtml } from '../render/html.ts'
import type { SandboxHost } from '../sandbox/host.ts'
import type { Image } from '../sandbox/image.ts'
import type { SandboxLimits } from '../sandbox/spec.ts'
import { type Failure, resultNotMade } from './causes.ts'
import type { WorkingFolder } from './folder.ts'
import type { Execution } from './record.ts'

/** A result by its content, or by its path on this machine when it is long. */
export type Result = Uint8Array | string

/** What is shorter stays in memory: a file in between costs more than the blob it becomes. */
const SHORT = 64 * 1024

/** The two logs, written as the notebook prints. */
export interface Logs {
  write(name: 'stdout' | 'stderr', text: string): void
  /** Resolves with both, by public name, when nothing more will come. */
  close(): Promise<Map<string, Result>>
}

/** Both logs, empty at first. */
export function openLogs(folder: WorkingFolder): Logs {
  const stdout = openLog(() => folder.path('result.log'))
  const stderr = openLog(() => folder.path('result.error.log'))
  return {
    write: (name, text) => (name === 'stdout' ? stdout : stderr).write(text),
    close: async () => {
      const [log, errorLog] = await Promise.all([stdout.close(), stderr.close()])
      return new Map([
        ['result.log', log],
        ['result.error.log', errorLog],
      ])
    },
  }
}

function openLog(pathOf: () => string): { write(text: string): void; close(): Promise<Result> } {
  let texts: string[] = []
  let length = 0
  let file: { path: string; stream: WriteStream; done: Promise<void> } | undefined
  const open = () => {
    const path = pathOf()
    const stream = createWriteStream(path)
    const done = finished(stream)
    done.catch(() => {}) // a full disk is heard of when the log is closed
    return { path, stream, done }
  }
  return {
    write: (text) => {
      texts.push(text)
      length += text.length
      if (!file && length <= SHORT) return
      file ??= open()
      file.stream.write(texts.join(''))
      texts = []
    },
    close: async () => {
      if (!file) return Buffer.from(texts.join(''))
      file.stream.end()
      await file.done
      return file.path
    },
  }
}

const RENDER_MS = 120_000

export interface MadeResults {
  /** By public name. */
  readonly files: Map<string, Result>
  /** One for each result that was asked for and could not be made. */
  readonly unmade: Failure[]
}

/**
 * Makes the result files. The logs and the notebook are always there; the page costs a second of rendering and is made
 * only when an output asks for it.
 */
export async function makeResults(
  execution: Execution,
  notebook: Notebook | undefined,
  logs: ReadonlyMap<string, Result>,
  folder: WorkingFolder,
  renderer: { image: Image | undefined; host: SandboxHost; limits: SandboxLimits; signal: AbortSignal },
): Promise<MadeResults> {
  const files = new Map(logs)
  const unmade: Failure[] = []
  if (!notebook) return { files, unmade }
  const short = shortText(notebook)
  files.set('result.ipynb', short ?? (await writeNotebook(notebook, folder)))
  const asked = new Set<string>(
    execution.snapshot.outputs.flatMap((output) => (output.outputType === 'executionResult' ? [output.fileName] : [])),
  )
  if (asked.has('result.html') && renderer.image) {
    const { image, host, limits, signal } = renderer
    const ipynbPath = short ? await writeNotebook(notebook, folder) : folder.path('result.ipynb')
    const htmlPath = folder.path('result.html')
    const title = execution.snapshot.name
    const page = await renderHtml({ image, host, limits, ipynbPath, htmlPath, title, deadlineMs: RENDER_MS, signal })
    if (page.kind === 'rendered') files.set('result.html', htmlPath)
    else unmade.push(resultNotMade('result.html', page.message))
  }
  if (asked.has('result.pdf')) unmade.push(resultNotMade('result.pdf', 'this version does not make PDF files yet'))
  return { files, unmade }
}

/** The notebook as bytes, undefined when it is long. */
function shortText(notebook: Notebook): Uint8Array | undefined {
  const chunks: string[] = []
  let length = 0
  for (const chunk of notebookChunks(notebook)) {
    length += chunk.length
    if (length > SHORT) return undefined
    chunks.push(chunk)
  }
  return Buffer.from(chunks.join(''))
}

async function writeNotebook(notebook: Notebook, folder: WorkingFolder): Promise<string> {
  const path = folder.path('result.ipynb')
  await writeFile(path, notebookChunks(notebook))
  return path
}
