/** A path that is there, asked by a method that it is not there for: 405, with the methods it has (RFC 9110 §15.5.6). */

import type { FastifyInstance } from 'fastify'

/** Tells the methods of a path, none when there is no such path. */
export type MethodsOf = (path: string) => readonly string[]

interface Known {
  readonly pattern: RegExp
  readonly methods: readonly string[]
}

/**
 * Takes down what is registered from now on. Only a request without a route is looked up here, so a walk through all
 * of them is cheap enough.
 */
export function noteMethods(app: FastifyInstance): MethodsOf {
  const known: Known[] = []
  app.addHook('onRoute', ({ url, method }) => {
    // The route of preflights is everywhere, and tells nothing of a path.
    if (url !== '*') known.push({ pattern: patternOf(url), methods: [method].flat() })
  })
  return (path) => {
    const found = known.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods)
    return found.length === 0 ? [] : [...new Set([...found, 'OPTIONS'])].toSorted()
  }
}

/** Fastify's spelling of a path: `:name` is one segment, `*` all that follows; a slash at the end is ignored. */
function patternOf(url: string): RegExp {
  const segments = url
    .replace(/\/$/, '')
    .split('/')
    .map((segment) =>
      segment === '*' ? '.*' : segment.startsWith(':') ? '[^/]+' : segment.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'),
    )
  return new RegExp(`^${segments.join('/')}/?$`)
}
