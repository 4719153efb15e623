/**
 * `GET /`: who answers here, and where to read on. The original answers its whole definition in a form of its own; ours
 * is the OpenAPI document, which this points to.
 */

import type { FastifyInstance } from 'fastify'
import { API_VERSION } from '../../../contract/version.ts'
import { addVary } from '../vary.ts'

/** What there is for whoever knows only the address. */
const LINKS = { openapi: '/openapi.json', docs: '/docs', health: '/healthz' }

/** Registers `/`, open to everybody; a browser is sent on to the page for people. */
export function serveRoot(app: FastifyInstance): void {
  app.get('/', async (request, reply) => {
    const there = Object.entries(LINKS).filter(([, url]) => app.hasRoute({ method: 'GET', url }))
    addVary(reply, 'accept')
    const forPeople = there.some(([, url]) => url === LINKS.docs) && /\btext\/html\b/.test(request.headers.accept ?? '')
    if (forPeople) return reply.redirect(LINKS.docs, 303)
    const links = there.map(([name, href]) => [name, { href }])
    return reply.send({ name: 'Fieldbook', apiVersion: API_VERSION, _links: Object.fromEntries(links) })
  })
}
