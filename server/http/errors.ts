/** From the kinds of errors to what the API answers: status and `{type, message}` (behaviour dossier §6.7). */

import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { LimitReached } from '../../contract/limits.ts'
import { ofInstallation } from '../catalog/application-limits.ts'
import { AppError, type ErrorKind, invalid, notFound, unavailable } from '../ground/errors.ts'
import { newId } from '../ground/ids.ts'
import { shorten } from '../ground/shorten.ts'
import { largerThan } from '../ground/sizes.ts'
import { isContended } from '../stores/postgres/contention.ts'
import type { MethodsOf } from './methods.ts'

const ANSWERS: Record<ErrorKind, { status: number; type: string }> = {
  invalid: { status: 400, type: 'Validation' },
  unauthenticated: { status: 401, type: 'Unauthorized' },
  secondFactor: { status: 401, type: 'TwoFactorRequired' },
  locked: { status: 401, type: 'AccountLocked' },
  forbidden: { status: 403, type: 'Forbidden' },
  notFound: { status: 404, type: 'NotFound' },
  conflict: { status: 409, type: 'Conflict' },
  unprocessable: { status: 422, type: 'Validation' },
  gone: { status: 410, type: 'Gone' },
  tooLarge: { status: 413, type: 'LimitExceeded' },
  full: { status: 403, type: 'LimitExceeded' },
  limited: { status: 429, type: 'LimitExceeded' },
  version: { status: 400, type: 'VersionNotAllowed' },
  unavailable: { status: 503, type: 'Unavailable' },
}

/** Characters; whatever a room puts into its message, an answer never carries a request back. */
const MAX_MESSAGE = 2000

/** A database or a service that starts anew is back within this time. */
const RETRY_SECONDS = 2

/** Faults that Fastify itself finds in a request, before any code of ours sees it. */
const FASTIFY_TYPES: Record<number, string> = {
  400: 'Validation',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  414: 'Validation',
  415: 'Validation',
}

/** What is wrong with a path before a route is looked for; Fastify's own words would repeat the whole path. */
const PATH_FAULTS: Record<string, string> = {
  FST_ERR_BAD_URL: 'The path is not valid: each % in it must be followed by two hexadecimal digits, all together UTF-8',
  FST_ERR_MAX_PARAM_LENGTH: 'A part of the path is longer than any name or id can be',
}

const OTHER_MEDIA = 'The content-type must be application/json, or multipart/form-data where a file is uploaded'

/** Answers every error of the door in the shape of the API; a bug shows a reference id and is logged with it. */
export function answerErrors(app: FastifyInstance, methodsOf: MethodsOf): void {
  app.setErrorHandler((error: FastifyError | AppError, request, reply) => answer(error, request, reply))
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? ''
    const methods = methodsOf(path)
    if (methods.length > 0) {
      const message = `${request.method} is not allowed; allowed are ${methods.join(', ')}`
      return reply.code(405).header('allow', methods.join(', ')).send({ type: 'MethodNotAllowed', message })
    }
    return reply.code(404).send({ type: 'NotFound', message: `${request.method} ${shorten(path, 200)} does not exist` })
  })
}

/** What requests were refused for. */
const refusals = new WeakMap<FastifyRequest, ErrorKind>()

/** What a request was refused for, once that is being answered; undefined where none of our rooms refused it. */
export const refusalOf = (request: FastifyRequest): ErrorKind | undefined => refusals.get(request)

/** Answers one error; also for those that Fastify finds before a route is chosen. */
export function answer(error: FastifyError | AppError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof AppError) {
    refusals.set(request, error.kind)
    const { status, type } = ANSWERS[error.kind]
    const retryAfter = error.retryAfterSeconds ?? (error.kind === 'unavailable' ? RETRY_SECONDS : undefined)
    if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
    return reply.code(status).send({ type, message: shorten(error.message, MAX_MESSAGE), ...limitOf(error) })
  }
  const gone = databaseRefusal(error)
  if (gone) return answer(gone, request, reply)
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return reply.code(415).send({ type: 'Validation', message: OTHER_MEDIA })
  }
  if (error.statusCode === 413) return answer(bodyTooLarge(request), request, reply)
  const pathFault = PATH_FAULTS[error.code]
  if (pathFault) return answer(invalid(pathFault), request, reply)
  const status = error.statusCode ?? 500
  const type = FASTIFY_TYPES[status]
  if (type) return reply.code(status).send({ type, message: shorten(error.message, MAX_MESSAGE) })
  const reference = newId()
  // The path alone: the query may hold a token, or the signature of a link.
  const path = request.url.split('?')[0]
  request.log.error({ reference, url: path, error: error.stack ?? error.message }, 'request failed')
  return reply
    .code(500)
    .send({ type: 'Error', message: `Something went wrong on our side; its reference is ${reference}` })
}

function limitOf({ limit }: AppError): { limit?: LimitReached } {
  if (!limit) return {}
  const { resetsAt, ...facts } = limit
  return { limit: { ...facts, ...(resetsAt ? { resetsAt: resetsAt.toISOString() } : {}) } }
}

/** Found by Fastify while the body arrives, against the limit of the installation. */
const bodyTooLarge = (request: FastifyRequest) =>
  largerThan('The body', ofInstallation('bodyBytes', request.server.initialConfig.bodyLimit ?? 0))

/** What the database refuses for a reason that lies with the request, should it get that far (PostgreSQL, appendix A). */
function databaseRefusal(error: Error): AppError | undefined {
  const code = 'code' in error ? String(error.code) : ''
  // Something the request belongs to was deleted while it was under way.
  if (code === '23503') return notFound('What this request belongs to')
  // A deadlock or a conflict that this request lost, or a lock or a statement that took longer than it may.
  if (isContended(error) || code === '55P03')
    return unavailable('Others are changing the same at the moment; try again')
  if (code === '57014') return unavailable('The database took too long for this; ask for less, or try again')
  return /^22(021|P05|P02|003|008)$/.test(code)
    ? invalid(`A value can't be stored: ${shorten(error.message, 200)}`)
    : undefined
}
