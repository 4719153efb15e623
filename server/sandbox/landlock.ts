/**
 * Whether Landlock can stand in for namespaces here. Node can't make the system call, so the image's Python asks the
 * kernel; entering it is the fork server's part.
 */

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Image } from './image.ts'

/** Version 6 (Linux 6.12) keeps signals inside. Before it, a run with the service's own user id could kill the service. */
const SCOPED_SIGNALS = 6

/** landlock_create_ruleset has the same number on every architecture; without attributes and with flag 1 it gives its version. */
const ASK = 'import ctypes; print(ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1))'

/** Undefined when it can, else the reason as half a sentence. `privileged`: each run has a user id of its own. */
export async function landlockProblem(
  image: (() => Promise<Image>) | undefined,
  privileged: boolean,
): Promise<string | undefined> {
  try {
    if (!image) return 'there is no image to ask the kernel with'
    const { python, env } = await image()
    const { stdout } = await promisify(execFile)(python, ['-I', '-S', '-c', ASK], { env, timeout: 10_000 })
    return tooOld(Number(stdout), privileged)
  } catch (error) {
    return `the kernel could not be asked (${error instanceof Error ? error.message : error})`
  }
}

/** Pure: why a version of Landlock is not enough, if so; -1 is a kernel without it. */
export function tooOld(version: number, privileged: boolean): string | undefined {
  if (!(version >= 1)) return 'the kernel has no Landlock'
  if (privileged || version >= SCOPED_SIGNALS) return undefined
  return `its version here is ${version}, and a service that is not root needs ${SCOPED_SIGNALS} (Linux 6.12), or a notebook could end it`
}
