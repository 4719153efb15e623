/** The description of this API, for programs: `/openapi.json` and `/openapi.yaml`, open to everybody. */

import { createHash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { describeApi } from '../../../contract/openapi/document.ts'
import { toJson, toYaml } from '../../../contract/openapi/text.ts'
import { answerFor } from '../conditions.ts'

interface Page {
  readonly text: string
  readonly etag: string
  readonly contentType: string
}

/** Made at the first request, because most starts of the service never need it, and the same until the process ends. */
const once = <T>(make: () => Promise<T>): (() => Promise<T>) => {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}

const described = once(async () => (await describeApi()).document)
const page = (contentType: string, text: string): Page => ({
  text,
  contentType,
  etag: `"${createHash('sha256').update(text).digest('hex').slice(0, 32)}"`,
})
const json = once(async () => page('application/json; charset=utf-8', toJson(await described())))
const yaml = once(async () => page('application/yaml; charset=utf-8', toYaml(await described())))

/** Registers both. */
export function serveDocuments(app: FastifyInstance): void {
  app.get('/openapi.json', async (request, reply) => send(request, reply, await json()))
  app.get('/openapi.yaml', async (request, reply) => send(request, reply, await yaml()))
}

function send(request: FastifyRequest, reply: FastifyReply, { text, contentType, etag }: Page): FastifyReply {
  reply.headers({ etag, 'cache-control': 'no-cache', 'content-type': contentType })
  const { status } = answerFor({ 'if-none-match': request.headers['if-none-match'] }, { etag }, text.length)
  return status === 304 ? reply.code(304).send() : reply.send(text)
}
