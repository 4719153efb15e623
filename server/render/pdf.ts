/**
 * Pages as PDF files, printed by a Chromium inside a sandbox like a notebook's, without network and without files: pages
 * hold scripts of notebooks. A page that takes too long or breaks its browser costs that browser, nobody else's page.
 */
import { type FileHandle, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { messageOf } from '../ground/errors.ts'
import { type BrowserOptions, type Browsers, createBrowsers, NoBrowser, type RunningBrowser } from './browsers.ts'
import { type PageToPrint, printPage } from './print.ts'
import { failed, failedForGood, type Render, type Rendered, type RenderRequest } from './rendering.ts'

export interface PdfRequest extends PageToPrint {
  /** Whose page it is; pages of different owners never share a browser. */
  readonly owner: string
  /** Written whole or not at all; its folder must be writable for the service. */
  readonly pdfPath: string
  /** The browser has to start in that time as well, if none waits. */
  readonly deadlineMs: number
  readonly signal?: AbortSignal
}

export interface PdfMaker extends AsyncDisposable {
  /** Has a browser start, if none waits: this owner will want a PDF soon. */
  announce(owner: string): void
  /**
   * One page after the other is printed by the same browser; each that comes meanwhile has one of its own. A page that
   * can't be printed is a value; it rejects only when the signal was aborted before it began.
   */
  make(request: PdfRequest): Promise<Rendered>
  /** The browsers that wait for a page. */
  readonly idle: Browsers['idle']
}

/** Starts nothing by itself. */
export function createPdfMaker(options: BrowserOptions): PdfMaker {
  const browsers = createBrowsers(options)
  const { level } = options.host
  return {
    announce: (owner) => {
      if (level !== 1) browsers.announce(owner)
    },
    make: async (request) => {
      request.signal?.throwIfAborted()
      if (level === 1) return failedForGood('PDF files are made behind namespaces, which this machine forbids')
      const taken = browsers.take(request.owner)
      const outcome = await within(taken.running, request, browsers.closing)
      if (outcome.kind === 'rendered') taken.giveBack()
      else await taken.end()
      return outcome
    },
    get idle() {
      return browsers.idle
    },
    [Symbol.asyncDispose]: () => browsers[Symbol.asyncDispose](),
  }
}

/** Of its HTML; a longer one has pictures that no paper needs, or more cells than a browser lays out within its limit. */
const LONGEST_PAGE = 64 * 1024 ** 2

/** A notebook as a PDF: its page, as `page` makes it, printed. */
export async function renderPdf(
  request: RenderRequest,
  { page, printer, deadlineMs }: { page: Render; printer: PdfMaker; deadlineMs: number },
): Promise<Rendered> {
  const { path, title, owner, signal } = request
  const htmlPath = `${path}.html`
  try {
    const made = await page({ ...request, path: htmlPath })
    if (made.kind === 'failed') return made
    const { size } = await stat(htmlPath)
    if (size > LONGEST_PAGE) {
      return failedForGood(`its page has ${size} bytes, and at most ${LONGEST_PAGE} are printed`)
    }
    const html = await readFile(htmlPath, 'utf8')
    return await printer.make({ html, title, owner, pdfPath: path, deadlineMs, ...(signal ? { signal } : {}) })
  } finally {
    await rm(htmlPath, { force: true })
  }
}

/** Prints one page; however it goes, the caller knows by the kind whether the browser is still good. */
async function within(running: Promise<RunningBrowser>, request: PdfRequest, closing: AbortSignal): Promise<Rendered> {
  const late = AbortSignal.timeout(request.deadlineMs)
  const canceled = AbortSignal.any([closing, ...(request.signal ? [request.signal] : [])])
  const stop = AbortSignal.any([late, canceled])
  const part = `${request.pdfPath}.part`
  let used: RunningBrowser | undefined
  const onStop = () => used?.sandbox.end('canceled')
  stop.addEventListener('abort', onStop)
  try {
    used = await unlessAborted(running, stop)
    const { devtools } = used
    const sizeBytes = await writeWhole(part, (file) => printPage(devtools, request, file))
    await rename(part, request.pdfPath)
    return { kind: 'rendered', sizeBytes }
  } catch (error) {
    await rm(part, { force: true })
    if (error instanceof NoBrowser) return failedForGood(error.message)
    return failed(await whyFailed(error, used, { late, canceled }))
  } finally {
    stop.removeEventListener('abort', onStop)
  }
}

async function whyFailed(
  error: unknown,
  used: RunningBrowser | undefined,
  { late, canceled }: { late: AbortSignal; canceled: AbortSignal },
): Promise<string> {
  if (canceled.aborted) return 'The printing of the PDF was canceled'
  if (late.aborted) return 'The printing of the PDF took too long'
  if (!used) return messageOf(error)
  used.sandbox.end('lost')
  const { reason } = await used.sandbox.exited
  if (reason === 'outOfMemory') return 'The PDF needed more memory than a browser may have'
  return `The PDF could not be printed: ${messageOf(error).slice(0, 2000)}`
}

async function writeWhole(path: string, write: (file: FileHandle) => Promise<number>): Promise<number> {
  await using file = await open(path, 'w', 0o600)
  return await write(file)
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(signal.reason)
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
