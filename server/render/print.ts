/**
 * One page printed by a running browser: in a context of its own that shares nothing with another page, asked for nothing
 * but what the page holds itself, and gone afterwards.
 */
import type { FileHandle } from 'node:fs/promises'
import { asValues, type Devtools, type DevtoolsEvent } from './devtools.ts'
import { fit, footer, PAGE_HEIGHT, PAGE_WIDTH, PAPER, settle } from './print-page.ts'

export interface PageToPrint {
  readonly html: string
  /** Stands at the bottom of every page. */
  readonly title: string
}

/** A page that draws is quiet between two frames; one that never is gets this long. */
const QUIET_MS = 50
const SETTLE_MS = 5000

/**
 * Up to so many elements a PDF also tells programs that read aloud what is a heading or a cell. That takes 300 bytes for
 * each cell of a table: of 40,000 cells it is 12 MB of 12.4.
 */
const MOST_TAGGED = 20_000

/** Of a file; a PDF is smaller than the page it shows, but for drawings of a million points. */
const LONGEST_BYTES = 256 * 1024 ** 2

/** Writes the PDF into `file` and gives its size. @throws when the page or the browser ends before */
export async function printPage(devtools: Devtools, page: PageToPrint, file: FileHandle): Promise<number> {
  await using context = await openContext(devtools)
  const { session, frameId, crashed } = context
  const send = (method: string, params = {}) => Promise.race([devtools.send(method, params, session), crashed])
  const inOwnWorld = async (expression: string) => {
    const { executionContextId } = await send('Page.createIsolatedWorld', { frameId })
    const options = { expression, contextId: executionContextId, awaitPromise: true, returnByValue: true }
    const { result, exceptionDetails } = await send('Runtime.evaluate', options)
    if (exceptionDetails !== undefined) throw new Error(String(asValues(exceptionDetails)['text']))
    return asValues(result)['value']
  }
  await Promise.all([
    send('Page.enable'),
    send('Inspector.enable'),
    // Everything a page asks for that it doesn't hold itself is refused here, and could not be reached either.
    send('Fetch.enable', { patterns: [{ urlPattern: '*' }] }),
    send('Emulation.setDeviceMetricsOverride', {
      width: PAGE_WIDTH,
      height: PAGE_HEIGHT,
      deviceScaleFactor: 1,
      mobile: false,
    }),
    send('Emulation.setEmulatedMedia', {
      media: 'screen',
      features: [{ name: 'prefers-color-scheme', value: 'light' }],
    }),
  ])
  await send('Page.setDocumentContent', { frameId, html: page.html })
  await inOwnWorld(settle(QUIET_MS, SETTLE_MS))
  await send('Emulation.setEmulatedMedia', {
    media: 'print',
    features: [{ name: 'prefers-color-scheme', value: 'light' }],
  })
  const elements = Number(await inOwnWorld(fit))
  const { stream } = await send('Page.printToPDF', {
    ...PAPER,
    printBackground: true,
    displayHeaderFooter: true,
    headerTemplate: '<span></span>',
    footerTemplate: footer(page.title),
    generateTaggedPDF: elements < MOST_TAGGED,
    transferMode: 'ReturnAsStream',
  })
  return await writeStream(send, String(stream), file)
}

async function writeStream(
  send: (method: string, params?: object) => Promise<Readonly<Record<string, unknown>>>,
  handle: string,
  file: FileHandle,
): Promise<number> {
  let length = 0
  for (;;) {
    const { data, eof, base64Encoded } = await send('IO.read', { handle, size: 1024 ** 2 })
    const part = Buffer.from(String(data), base64Encoded === true ? 'base64' : 'latin1')
    length += part.length
    if (length > LONGEST_BYTES) throw new Error(`the PDF is longer than ${LONGEST_BYTES / 1024 ** 2} MiB`)
    await file.write(part)
    if (eof === true) return length
  }
}

interface Context extends AsyncDisposable {
  readonly session: string
  readonly frameId: string
  /** Rejects when the page has ended. */
  readonly crashed: Promise<never>
}

async function openContext(devtools: Devtools): Promise<Context> {
  devtools.begin()
  const { browserContextId } = await devtools.send('Target.createBrowserContext', { disposeOnDetach: true })
  const close = async () => {
    await devtools.send('Target.disposeBrowserContext', { browserContextId }).catch(() => {})
  }
  await using opening = new AsyncDisposableStack()
  opening.defer(close)
  await devtools.send('Browser.setDownloadBehavior', { behavior: 'deny', browserContextId })
  const { targetId } = await devtools.send('Target.createTarget', { url: 'about:blank', browserContextId })
  const { sessionId } = await devtools.send('Target.attachToTarget', { targetId, flatten: true })
  const session = String(sessionId)
  const crash = Promise.withResolvers<never>()
  crash.promise.catch(() => {}) // heard by whoever waits for an answer of the page
  opening.defer(async () => stop())
  const stop = devtools.listen((event) => {
    const why = endOf(event, session)
    if (why) crash.reject(new Error(why))
    else if (event.session === session) answer(devtools, event, session)
  })
  const open = opening.move()
  return {
    session,
    frameId: String(targetId),
    crashed: crash.promise,
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  }
}

/** Why nothing more is to be had of a page, when an event says so. */
function endOf({ method, params, session: about }: DevtoolsEvent, session: string): string | undefined {
  if (method === 'Inspector.targetCrashed' && about === session) {
    return 'its page ended the process it was shown by, most likely by needing more memory than that may have'
  }
  if (method === 'Target.detachedFromTarget' && params['sessionId'] === session) return 'its page closed itself'
  return undefined
}

/** What a page can ask of whoever looks at it: nobody does. */
function answer(devtools: Devtools, { method, params }: DevtoolsEvent, session: string): void {
  const send = (order: string, values: object) => void devtools.send(order, { ...values }, session).catch(() => {})
  if (method === 'Fetch.requestPaused') {
    // Aborted, not failed: a page that is told to go elsewhere stays where it is.
    send('Fetch.failRequest', { requestId: params['requestId'], errorReason: 'Aborted' })
  } else if (method === 'Page.javascriptDialogOpening') {
    send('Page.handleJavaScriptDialog', { accept: false })
  }
}
