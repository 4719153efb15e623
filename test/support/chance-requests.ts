/** Requests by chance from the contract: any route, ids that things have and ids that nothing has, bodies nearly right. */

import fc from 'fast-check'
import type { Route } from '../../contract/route.ts'
import { chanceValue } from './chance-values.ts'
import { parametersOf } from './routes.ts'

export interface ChanceRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

/** What may stand in a path for each of its parameters, by the parameter's name. */
export type KnownIds = Readonly<Record<string, readonly string[]>>

const ABSENT = 'b'.repeat(24)

/** A request of a route, most often with ids that are there. */
export function requestOf(route: Route, known: KnownIds): fc.Arbitrary<ChanceRequest> {
  const ids = fc.oneof(fc.constantFrom(ABSENT, ...Object.values(known).flat()), fc.stringMatching(/^[0-9a-f]{24}$/))
  const inPath = Object.fromEntries(parametersOf(route.path).map((name) => [name, parameter(name, known)]))
  const body = route.body ? bodyOf(chanceValue(route.body.schema, ids)) : fc.constantFrom(undefined, '{}')
  return fc
    .record({ inPath: fc.record(inPath), query: chanceValue(route.query, ids), odd: oddQuery, body, type: contentType })
    .map(({ inPath: values, query, odd, body: text, type }) => ({
      method: route.method,
      path: `${fill(route.path, values)}${searchOf(query, odd)}`,
      headers: text === undefined ? {} : { 'content-type': type },
      body: route.method === 'GET' ? undefined : text,
    }))
}

function parameter(name: string, known: KnownIds): fc.Arbitrary<string> {
  const there = known[name] ?? []
  return fc.oneof(
    { weight: 12, arbitrary: there.length > 0 ? fc.constantFrom(...there) : fc.constant(ABSENT) },
    { weight: 2, arbitrary: fc.constant(ABSENT) },
    { weight: 1, arbitrary: fc.string({ minLength: 1, maxLength: 30 }) },
  )
}

const fill = (path: string, values: Readonly<Record<string, string>>) =>
  path.replaceAll(/:(\w+)/g, (_, name) => encode(values[name] ?? ''))

/** Lone surrogates can't be encoded; a client would send the sign for what can't be read. */
const encode = (text: string) => encodeURIComponent(text.toWellFormed()).replace(/^\.{1,2}$/, '%2e')

function searchOf(query: unknown, odd: readonly (readonly [string, string])[]): string {
  const given = typeof query === 'object' && query !== null ? Object.entries(query) : []
  const pairs = [...given.filter(([name]) => !WAITS.has(name)), ...odd]
    .map(
      ([name, value]) => `${encode(name)}=${encode(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))}`,
    )
    .join('&')
  return pairs === '' ? '' : `?${pairs}`
}

/** Asks to wait for an end, which is no hang. */
const WAITS = new Set(['wait'])

const oddQuery = fc.oneof(
  { weight: 10, arbitrary: fc.constant([]) },
  {
    weight: 1,
    arbitrary: fc.array(fc.tuple(fc.constantFrom('a', 'filter', 'page', 'query', 'a[b][c]', '_links'), fc.string()), {
      maxLength: 3,
    }),
  },
)

const contentType = fc.oneof(
  { weight: 30, arbitrary: fc.constant('application/json') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('text/plain', 'application/json; charset=latin1', 'multipart/form-data', 'x'),
  },
)

/** As JSON, now and then cut off. */
const bodyOf = (value: fc.Arbitrary<unknown>) =>
  fc
    .tuple(value, fc.integer({ min: 0, max: 40 }))
    .map(([json, chance]) => (chance === 0 ? JSON.stringify(json)?.slice(0, -1) : JSON.stringify(json)))
