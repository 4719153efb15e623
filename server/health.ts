/** What /healthz says of each part, as `service.ts` asks them. */

import { messageOf } from './ground/errors.ts'
import type { Kernels } from './kernel/kernels.ts'
import type { Browser } from './render/browser.ts'
import type { SandboxHost } from './sandbox/host.ts'

/** @throws when it does not answer */
export async function databaseHealth(db: { one: (text: string) => Promise<unknown> }) {
  await db.one('select 1')
  return { ready: true }
}

/** With what is missing to the best level. */
export const sandboxHealth = ({ level, name, missing, problem }: SandboxHost) => ({
  ready: problem === undefined,
  level,
  name,
  missing,
  ...(problem === undefined ? {} : { problem }),
})

/** Ready even when nothing is warm: kernels then start cold, and the reason is told. Without namespaces none starts cold. */
export const kernelHealth = ({ state }: Kernels, { level }: SandboxHost) => ({
  ready: level !== 1 || Object.values(state).every(({ ready }) => ready),
  ...state,
})

/** Of the default image. */
export async function imageHealth(images: { get(version: string): Promise<{ version: string; source: string }> }) {
  try {
    const { version, source } = await images.get('v4')
    return { ready: true, version, source }
  } catch (error) {
    return { ready: false, problem: messageOf(error) }
  }
}

/** Ready also without a browser: then one kind of result file is not made, and the reason is told. */
export async function documentHealth(browser: () => Promise<Browser>) {
  try {
    const { source, version } = await browser()
    return { ready: true, browser: `Chromium ${version} of ${source}` }
  } catch (error) {
    return { ready: true, problem: messageOf(error) }
  }
}
