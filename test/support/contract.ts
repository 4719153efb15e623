/** Every route of the contract, found by walking its files. */

import { globSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Route } from '../../contract/route.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const isRoute = (value: unknown): value is Route =>
  typeof value === 'object' && value !== null && 'operation' in value && 'path' in value && 'params' in value

/** All routes, in the order of their files. */
export async function contractRoutes(): Promise<Route[]> {
  const files = globSync('contract/*.ts', { cwd: ROOT }).toSorted()
  const modules: Record<string, unknown>[] = await Promise.all(files.map((file) => import(join(ROOT, file))))
  return modules.flatMap((module) => Object.values(module).filter(isRoute))
}
