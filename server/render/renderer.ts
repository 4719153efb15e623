/**
 * Makes pages and documents of executed notebooks. What is made is decided by its name in one table; how many are made at
 * once, and for how long, is decided here. Nothing is prepared until somebody asks.
 */

import type { Log } from '../ground/log.ts'
import { createTurns, createTurnsByKey } from '../ground/turns.ts'
import type { SandboxHost } from '../sandbox/host.ts'
import type { Image } from '../sandbox/image.ts'
import type { SandboxLimits } from '../sandbox/spec.ts'
import type { Browser } from './browser.ts'
import { renderFresh } from './html.ts'
import { createPdfMaker, renderPdf } from './pdf.ts'
import { failed, type Render, type Rendered, type RenderedFile, type RenderRequest } from './rendering.ts'
import { openResidentPages, type ResidentState } from './resident.ts'

export interface RendererOptions {
  readonly host: SandboxHost
  /** Below which every page has its folder; emptied by its owner before. */
  readonly root: string
  /** What one rendering may take. */
  readonly limits: SandboxLimits
  readonly log: Log
  /** What prints documents. @throws with a message for people where this machine has none */
  readonly browser: () => Promise<Browser>
  /** false: every page is made by a fresh process. */
  readonly forking?: boolean
  /** How long what makes pages stays when none is asked for. */
  readonly idleMs?: number
  /** How long one rendering may take, without the time that it waits for its turn. */
  readonly deadlineMs?: number
}

export interface Renderer extends AsyncDisposable {
  /** Prepares what makes these files of the notebooks of an image, so that who will ask for them need not wait for it. */
  warm(image: Image, owner: string, files: readonly RenderedFile[]): void
  /** Makes a result file; its turn may take a while. Rejects only when the signal was aborted before it began. */
  render(file: RenderedFile, request: RenderRequest): Promise<Rendered>
  /** What is ready, by image version. */
  readonly state: Readonly<Record<string, ResidentState>>
}

const DEADLINE_MS = 120_000
/** It takes about 60 MB, and a second to be there again. */
const IDLE_MS = 600_000
/** Each takes a core, and the memory of its page several times over; what comes after waits. */
const AT_ONCE = 2
/** So that pages of one application, however many and however slow, leave a place to the others. */
const AT_ONCE_OF_OWNER = 1

/** A renderer that has started nothing yet. */
export function createRenderer(options: RendererOptions): Renderer {
  const { host, root, limits, log, deadlineMs = DEADLINE_MS } = options
  const inTurn = createTurns(AT_ONCE)
  const inTurnOf = createTurnsByKey(AT_ONCE_OF_OWNER)
  // What makes a page has nothing to write out at its end.
  const bounds = { ...limits, graceMs: 0 }
  const resident = openResidentPages({
    host,
    root,
    limits: bounds,
    log,
    forking: options.forking ?? true,
    idleMs: options.idleMs ?? IDLE_MS,
  })
  const page: Render = async (request) => {
    const made = await resident.page(request, deadlineMs)
    if (made) return made
    // Without namespaces only the fork server's children can shut themselves in.
    if (host.level === 1) return failed('The process that makes pages is not ready; try again in some minutes')
    return renderFresh({ ...request, host, limits: bounds, deadlineMs })
  }
  const printer = createPdfMaker({ host, browser: options.browser })
  const document: Render = (request) => renderPdf(request, { page, printer, deadlineMs })
  const makers: { readonly [F in RenderedFile]: Render } = { 'result.html': page, 'result.pdf': document }

  return {
    warm: (image, owner, files) => {
      if (files.length > 0) resident.warm(image)
      if (files.includes('result.pdf')) printer.announce(owner)
    },
    render: (file, request) => {
      const { owner, signal } = request
      return inTurnOf(owner)(() => inTurn(() => makers[file](request), signal), signal)
    },
    get state() {
      return resident.state
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([resident[Symbol.asyncDispose](), printer[Symbol.asyncDispose]()])
    },
  }
}
