/** Every operation of the contract, found by importing it: what is added falls into the tests by itself. */

import { globSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Route } from '../../contract/route.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const isRoute = (value: unknown): value is Route =>
  typeof value === 'object' && value !== null && 'operation' in value && 'path' in value && 'params' in value

const modules: Record<string, unknown>[] = await Promise.all(
  globSync('contract/*.ts', { cwd: ROOT }).map((file) => import(join(ROOT, file))),
)

/** In the order of their methods and paths. */
export const routes: readonly Route[] = [
  ...new Set(modules.flatMap((module) => Object.values(module).filter(isRoute))),
].sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1))

/** What a route is called in tests: its method and path, because some share an operation. */
export function nameOf({ method, path }: Pick<Route, 'method' | 'path'>): string {
  return `${method} ${path}`
}

/** The names of the parameters in a path. */
export const parametersOf = (path: string): string[] => [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name)

/** A path with its parameters filled in. */
export const fill = (path: string, values: Readonly<Record<string, string>>): string =>
  path.replaceAll(/:(\w+)/g, (_, name) => {
    const value = values[name]
    if (value === undefined) throw new Error(`nothing is given for ${name} of ${path}`)
    return encodeURIComponent(value)
  })
