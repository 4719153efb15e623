/**
 * Writes test/support/scopes.json, our own statement of who may ask for what: the scopes that allow each operation.
 * Run it by hand after a route was added or its scopes were changed on purpose; the change is then read in review.
 */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nameOf, routes } from './routes.ts'

const entries = routes.map((route) => [nameOf(route), route.scopes.join(' ')])
writeFileSync(join(import.meta.dirname, 'scopes.json'), `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`)
