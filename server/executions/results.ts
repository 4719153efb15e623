/** The result files of a run: its notebook as far as it got, what it printed, and a page to read when one is asked for. */

import { createWriteStream, type WriteStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { finished } from 'node:stream/promises'
import { notebookChunks } from '../kernel/chunks.ts'
import type { Notebook } from '../kernel/notebook.ts'
import type { Renderer } from '../render/renderer.ts'
import { failed, RENDERED_FILES, type Rendered, type RenderedFile } from '../render/rendering.ts'
import type { Image } from '../sandbox/image.ts'
import { isTimeout } from '../sandbox/process.ts'
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

export interface MadeResults {
  /** By public name. */
  readonly files: Map<string, Result>
  /** One for each result that was asked for and could not be made. */
  readonly unmade: Failure[]
}

/** Which result files are to be made of the notebook when it has run, because an output asks for them. */
export const renderingsOf = ({ snapshot }: Execution): RenderedFile[] =>
  RENDERED_FILES.filter((name) =>
    snapshot.outputs.some((output) => output.outputType === 'executionResult' && output.fileName === name),
  )

/** Makes the result files. The logs and the notebook are always there; what has to be rendered only when an output asks for it. */
export async function makeResults(
  execution: Execution,
  notebook: Notebook | undefined,
  logs: ReadonlyMap<string, Result>,
  folder: WorkingFolder,
  { image, renderer, signal }: { image: Image | undefined; renderer: Renderer; signal: AbortSignal },
): Promise<MadeResults> {
  const files = new Map(logs)
  const unmade: Failure[] = []
  if (!notebook) return { files, unmade }
  const short = shortText(notebook)
  const asked = image ? renderingsOf(execution) : []
  const ipynbPath = short && asked.length === 0 ? undefined : await writeNotebook(notebook, folder)
  files.set('result.ipynb', short ?? folder.path('result.ipynb'))
  for (const name of asked) {
    if (!image || !ipynbPath) continue
    const path = folder.path(name)
    const about = { title: execution.snapshot.name, owner: execution.applicationId }
    const made = await unlessStopped(renderer.render(name, { image, ipynbPath, path, ...about, signal }), signal)
    if (made.kind === 'rendered') files.set(name, path)
    else unmade.push(resultNotMade(name, made.message))
  }
  return { files, unmade }
}

/** A rendering that was stopped before its turn rejects; that costs its file, never the other results of the run. */
async function unlessStopped(rendering: Promise<Rendered>, signal: AbortSignal): Promise<Rendered> {
  try {
    return await rendering
  } catch (error) {
    if (!signal.aborted) throw error
    return failed(isTimeout(signal.reason) ? 'it took too long' : 'it was canceled')
  }
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
