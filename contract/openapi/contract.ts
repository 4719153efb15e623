/** The contract as the generator reads it: every route and named schema of `contract/*.ts`, and the notes about them. */

import { readdirSync } from 'node:fs'
import type { TSchema } from 'typebox'
import type { Route } from '../route.ts'
import type { Notes } from './notes.ts'

export interface NamedRoute {
  /** What it is exported as. */
  readonly name: string
  /** The file of the contract it is in, without `.ts`. */
  readonly module: string
  readonly route: Route
}

export interface NamedSchema {
  readonly name: string
  readonly module: string
  readonly schema: TSchema
}

export interface Contract {
  /** By path, then method. */
  readonly routes: readonly NamedRoute[]
  readonly schemas: readonly NamedSchema[]
  /** By module. */
  readonly notes: ReadonlyMap<string, Notes>
}

const HERE = new URL('.', import.meta.url)
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

/** Reads all modules; a new file of the contract, or of notes, is in by being there. */
export async function readContract(): Promise<Contract> {
  const modules = await readModules(new URL('..', HERE))
  const entries = modules.flatMap(({ module, values }) =>
    Object.entries(values).map(([name, value]) => ({ module, name, value })),
  )
  const routes = entries.flatMap(({ value, ...named }) => (isRoute(value) ? [{ ...named, route: value }] : []))
  const schemas = entries.flatMap(({ value, ...named }) => (isSchema(value) ? [{ ...named, schema: value }] : []))
  const notes = (await readModules(new URL('notes/', HERE))).flatMap(({ module, values }): [string, Notes][] =>
    isNotes(values['notes']) ? [[module, values['notes']]] : [],
  )
  return { routes: routes.toSorted(byPath), schemas, notes: new Map(notes) }
}

async function readModules(folder: URL): Promise<{ module: string; values: Record<string, unknown> }[]> {
  const files = readdirSync(folder).filter((file) => file.endsWith('.ts'))
  return Promise.all(
    files.toSorted().map(async (file) => ({
      module: file.slice(0, -'.ts'.length),
      values: await import(new URL(file, folder).href),
    })),
  )
}

function byPath({ route: a }: NamedRoute, { route: b }: NamedRoute): number {
  if (a.path === b.path) return METHODS.indexOf(a.method) - METHODS.indexOf(b.method)
  return a.path < b.path ? -1 : 1
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

const isRoute = (value: unknown): value is Route =>
  isObject(value) && 'operation' in value && 'method' in value && 'path' in value

const isSchema = (value: unknown): value is TSchema =>
  isObject(value) && !isRoute(value) && ['type', 'anyOf', 'oneOf', 'allOf'].some((keyword) => keyword in value)

const isNotes = (value: unknown): value is Notes => isObject(value) && ('tag' in value || 'schemas' in value)
