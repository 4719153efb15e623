/**
 * A seat: a kernel of its own for one execution, with the folder its inputs are staged into. The kernel may be waiting
 * already, be forked now, or start cold; whoever sits down sees no difference but the time.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { removeTree } from '../ground/remove-tree.ts'
import { isTimeout } from '../sandbox/process.ts'
import { newForkId } from './fork-server.ts'
import type { Kernel } from './kernel.ts'

/** How a kernel came to be. */
export type Start = 'spare' | 'forked' | 'cold'

export interface StartedKernel extends Kernel {
  readonly start: Start
}

export interface Seat extends AsyncDisposable {
  /** Where inputs are written; the notebook finds them as INPUT_DIR, read-only. */
  readonly inputs: string
  /** Rejects with KernelNotStarted or the signal's reason. */
  readonly kernel: Promise<StartedKernel>
}

export interface SeatFolder extends AsyncDisposable {
  readonly id: string
  readonly path: string
  readonly inputs: string
}

/** Makes `<root>/<id>/in`; the path is closed to other users of the machine, a sandbox gets at it by a mount. */
export async function openSeatFolder(root: string): Promise<SeatFolder> {
  const id = newForkId()
  const path = join(root, id)
  const inputs = join(path, 'in')
  await mkdir(inputs, { recursive: true })
  return { id, path, inputs, [Symbol.asyncDispose]: () => removeTree(path) }
}

/** A seat around a kernel that is there or being opened; closing it ends the kernel and drops the folder. */
export function takeSeat(folder: SeatFolder, opening: Promise<StartedKernel>, signal: AbortSignal | undefined): Seat {
  const kernel = opening.then((opened) => {
    endOnAbort(opened, signal)
    return opened
  })
  kernel.catch(() => {}) // whoever needs the kernel hears of it; a run that failed earlier never asks
  return {
    inputs: folder.inputs,
    kernel,
    [Symbol.asyncDispose]: async () => {
      const opened = await kernel.catch(() => undefined)
      await using closing = new AsyncDisposableStack()
      // In reverse, and each whatever becomes of the others.
      closing.use(folder)
      if (opened) {
        closing.defer(() => opened.release())
        closing.use(opened)
      }
    },
  }
}

/** An aborted run's kernel is ended with the reason `timeout` if the abort was one (`TimeoutError`), else `canceled`. */
export function endOnAbort({ process }: Kernel, signal: AbortSignal | undefined): void {
  if (!signal) return
  const onAbort = () => process.end(isTimeout(signal.reason) ? 'timeout' : 'canceled')
  signal.addEventListener('abort', onAbort, { once: true })
  void process.exited.then(() => signal.removeEventListener('abort', onAbort))
  if (signal.aborted) onAbort()
}
