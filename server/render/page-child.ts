/** A child of the process that makes pages: forked, shut in, waiting for one notebook. It makes one page and is gone. */

import { stat } from 'node:fs/promises'
import type { ForkServer } from '../kernel/fork-server.ts'
import { openForkedProcess } from '../kernel/forked-process.ts'
import { openSeatFolder } from '../kernel/seat.ts'
import type { SandboxHost } from '../sandbox/host.ts'
import type { Image } from '../sandbox/image.ts'
import { isTimeout } from '../sandbox/process.ts'
import type { SandboxLimits } from '../sandbox/spec.ts'
import { exchangePage } from './exchange.ts'
import { failed, type Rendered, type RenderRequest, whyFailed } from './rendering.ts'

export interface ChildPlace {
  readonly host: SandboxHost
  /** Below which it has its folder. */
  readonly root: string
  readonly limits: SandboxLimits
}

export interface PageChild extends AsyncDisposable {
  /** Whether it has ended, made a page or not. */
  readonly isGone: boolean
  /** The one page. Rejects only when the files of the service fail. */
  page(request: RenderRequest, deadlineMs: number): Promise<Rendered>
}

/** Forks one. Closing it ends it and takes away all it had. @throws ForkFailed */
export async function openPageChild(server: ForkServer, image: Image, place: ChildPlace): Promise<PageChild> {
  await using parts = new AsyncDisposableStack()
  const folder = parts.use(await openSeatFolder(place.root))
  const { host, limits } = place
  const forked = await openForkedProcess(server, { host, id: folder.id, image, folder: folder.path, limits })
  parts.defer(() => forked.release())
  const { fork, process } = forked
  fork.socket.on('error', () => {}) // its end is what is looked at
  let isGone = false
  void process.exited.then(() => {
    isGone = true
  })

  const page = async (request: RenderRequest, deadlineMs: number): Promise<Rendered> => {
    const { signal } = request
    const deadline = setTimeout(() => process.end('timeout'), deadlineMs)
    const onAbort = () => process.end(isTimeout(signal?.reason) ? 'timeout' : 'canceled')
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted) onAbort()
    try {
      const { size } = await stat(request.ipynbPath)
      const answer = await exchangePage(fork.socket, { ...request, sizeBytes: size }, `${request.path}.part`)
      if (answer.kind !== 'cut') return answer
      const ending = await process.exited
      return failed(whyFailed('The conversion to HTML', ending), ending)
    } finally {
      clearTimeout(deadline)
      signal?.removeEventListener('abort', onAbort)
    }
  }
  const owned = parts.move()
  return {
    get isGone() {
      return isGone
    },
    page,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
