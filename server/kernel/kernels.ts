/**
 * Where executions get their kernels: a spare that waits, one forked now, or a cold one in bubblewrap, whichever is there.
 * All three are single-use and behave the same; what falls back says so.
 */
import { messageOf } from '../ground/errors.ts'
import type { Log } from '../ground/log.ts'
import type { SandboxHost } from '../sandbox/host.ts'
import type { Image } from '../sandbox/image.ts'
import type { Kernelspec } from '../sandbox/kernelspecs.ts'
import type { SandboxLimits } from '../sandbox/spec.ts'
import { ForkFailed } from './fork-server.ts'
import { KernelNotStarted, openKernel } from './kernel.ts'
import { foreignKernel, type Metadata } from './notebook.ts'
import { endOnAbort, openSeatFolder, type Seat, type SeatFolder, type StartedKernel, takeSeat } from './seat.ts'
import { proveEqual } from './self-test.ts'
import type { SessionLimits } from './session.ts'
import { closeForked, type Forked, WarmImage, type WarmState } from './warm-image.ts'

export interface KernelsOptions {
  readonly host: SandboxHost
  /** Below which every kernel has its folder; emptied by its owner before. */
  readonly root: string
  readonly limits: SandboxLimits
  /** Kernels that wait already forked. */
  readonly spares: number
  /** false: every kernel starts cold. */
  readonly forking: boolean
  readonly log: Log
}

export interface SeatRequest {
  readonly image: Image
  /** What the notebook says of itself: another language than Python has a kernel of its own, which starts cold. */
  readonly metadata?: Metadata
  readonly limits: SandboxLimits
  readonly sessionLimits?: SessionLimits
  readonly signal?: AbortSignal
}

export interface Kernels extends AsyncDisposable {
  /** A seat at once; its kernel follows. What an image forks from is prepared when the image is first asked for. */
  take(request: SeatRequest): Promise<Seat>
  /** Prepares an image's fork server, so that the first run finds it. */
  warm(image: Image): void
  /** What is warm, by image version. */
  readonly state: Readonly<Record<string, WarmState>>
}

/** An empty room; `warm` fills it. */
export function createKernels(options: KernelsOptions): Kernels {
  const { host, root, limits, spares, log } = options
  const images = new Map<string, WarmImage>()
  // With the sandbox off there is nothing to enter, and level 0 otherwise refuses notebooks.
  const forking = options.forking && host.level > 0

  const warm = (image: Image) => {
    if (!forking || images.has(image.version)) return
    const prove = (fork: () => Promise<Forked>, signal: AbortSignal) => proveForked(fork, image, signal)
    images.set(image.version, new WarmImage({ image, host, root, limits, spares, log, prove }))
  }
  const openCold = async (folder: SeatFolder, request: SeatRequest): Promise<StartedKernel> => {
    // Without namespaces only the fork server's children can shut themselves in.
    if (host.level === 1) throw new KernelNotStarted('the fork server is not ready, and there is no other way here')
    const { image, sessionLimits, signal } = request
    const kernelspec = foreignSpec(request)
    const kernel = await openKernel({
      image,
      host,
      folder: folder.path,
      inputs: folder.inputs,
      limits: request.limits,
      ...(kernelspec ? { kernelspec } : {}),
      ...(sessionLimits ? { sessionLimits } : {}),
      ...(signal ? { signal } : {}),
    })
    return { ...kernel, start: 'cold' }
  }
  const openFor = async (folder: SeatFolder, request: SeatRequest): Promise<StartedKernel> => {
    const image = images.get(request.image.version)
    if (image?.ready && !isForeign(request)) {
      try {
        const kernel = await image.fork(folder, request.limits, request.sessionLimits)
        return { ...kernel, start: 'forked' }
      } catch (error) {
        if (!(error instanceof ForkFailed)) throw error
        log.warn({ error: error.message }, 'no kernel forked; it starts cold')
      }
    }
    return openCold(folder, request)
  }
  const proveForked = async (fork: () => Promise<Forked>, image: Image, signal: AbortSignal) => {
    const forked = await fork()
    try {
      if (host.level === 1) return // nothing to compare with
      await using folder = await openSeatFolder(root)
      const cold = await openCold(folder, { image, limits, signal })
      try {
        endOnAbort(forked.kernel, signal)
        await proveEqual(forked.kernel, cold, signal)
      } finally {
        await cold[Symbol.asyncDispose]()
        await cold.release()
      }
    } finally {
      await closeForked(forked)
    }
  }

  return {
    warm,
    take: async (request) => {
      request.signal?.throwIfAborted()
      warm(request.image)
      const spare =
        request.sessionLimits || isForeign(request)
          ? undefined
          : images.get(request.image.version)?.takeSpare(request.limits)
      if (spare) {
        const given = giveSpare(spare, request.limits)
        return takeSeat(spare.folder, given, request.signal)
      }
      const folder = await openSeatFolder(root)
      return takeSeat(folder, openFor(folder, request), request.signal)
    },
    get state() {
      return Object.fromEntries([...images].map(([version, image]) => [version, image.state]))
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(
        [...images.values()].map((image) =>
          image[Symbol.asyncDispose]().catch((error: unknown) => log.warn({ error: messageOf(error) }, 'not closed')),
        ),
      )
    },
  }
}

const isForeign = ({ metadata }: SeatRequest) => metadata !== undefined && foreignKernel(metadata) !== undefined

/** The image's kernel for a notebook in another language: by name, else by language. @throws KernelNotStarted without one */
function foreignSpec({ image, metadata }: SeatRequest): Kernelspec | undefined {
  const foreign = metadata && foreignKernel(metadata)
  if (!foreign) return undefined
  const { kernelspecs } = image
  const language = foreign.language.toLowerCase()
  const spec =
    kernelspecs.find(({ name }) => name === foreign.name) ??
    kernelspecs.find((known) => known.language.toLowerCase() === language)
  if (spec) return spec
  const known = ['python3', ...kernelspecs.map(({ name }) => name)].join(', ')
  throw new KernelNotStarted(
    `the notebook is written in ${foreign.language}, and image ${image.version} has the kernels ${known}`,
  )
}

/** A spare with the limits of its run. @throws KernelNotStarted when it can't have them; then nothing of it is left but its folder */
async function giveSpare({ kernel }: Forked, limits: SandboxLimits): Promise<StartedKernel> {
  try {
    await kernel.assign(limits)
    return { ...kernel, start: 'spare' }
  } catch (error) {
    await kernel[Symbol.asyncDispose]()
    await kernel.release()
    throw new KernelNotStarted(`its limits could not be set (${messageOf(error)})`)
  }
}
