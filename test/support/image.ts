/**
 * The image and the sandbox that room tests run notebooks in: those that set-up has made in this checkout.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SandboxHost } from '../../server/sandbox/host.ts'
import { type Image, readImage } from '../../server/sandbox/image.ts'
import { probeSandbox } from '../../server/sandbox/probe.ts'

const FIELDBOOK = join(import.meta.dirname, '../../.fieldbook')

/** The default image; `npm test` has set-up make it first. */
export function testImage(): Promise<Image> {
  return readImage(join(FIELDBOOK, 'images/v4/image.json'))
}

/** The sandbox as the service would use it; throws where this machine has none, because a skipped test proves nothing. */
export async function testHost(): Promise<SandboxHost> {
  const host = await probeSandbox({ bwrap: await bwrapPath(), mode: 'on' })
  if (host.problem !== undefined) throw new Error(host.problem)
  return host
}

async function bwrapPath(): Promise<string> {
  const tools: unknown = JSON.parse(await readFile(join(FIELDBOOK, 'tools.json'), 'utf8'))
  const isTools = typeof tools === 'object' && tools !== null && 'bwrap' in tools && typeof tools.bwrap === 'string'
  if (!isTools) throw new Error('.fieldbook/tools.json names no bwrap')
  return String(tools.bwrap)
}
