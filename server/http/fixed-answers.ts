/** Answers that are the same until the process ends: made at the first request for them, since most starts need none. */

import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { answerFor } from './conditions.ts'

export interface FixedAnswer {
  readonly text: string
  readonly contentType: string
  /** With its quotes. */
  readonly etag: string
}

/** The text with its media type and a tag of its content. */
export const fixedAnswer = (contentType: string, text: string): FixedAnswer => ({
  text,
  contentType: `${contentType}; charset=utf-8`,
  etag: `"${createHash('sha256').update(text).digest('hex').slice(0, 32)}"`,
})

/** Made once, however many ask at the same moment; tried again when it could not be. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make().catch((error) => {
      made = undefined
      throw error
    })
    return made
  }
}

/** Sends it, or that it has not changed. The tag is a weak one, because it may go out compressed or not. */
export function sendFixed(
  request: FastifyRequest,
  reply: FastifyReply,
  { text, contentType, etag }: FixedAnswer,
  headers: Readonly<Record<string, string>> = {},
): FastifyReply {
  reply.headers({ ...headers, etag: `W/${etag}`, 'cache-control': 'no-cache', 'content-type': contentType })
  const { status } = answerFor({ 'if-none-match': request.headers['if-none-match'] }, { etag }, text.length)
  return status === 304 ? reply.code(304).send() : reply.send(text)
}
