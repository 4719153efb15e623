/**
 * While the service drains, the door takes nothing new: reading and canceling go on, so that people see their runs end. When
 * it closes, what is under way ends, and nothing more is taken on a connection that is still there.
 */

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { cancelBackfill } from '../../contract/backfills.ts'
import { cancelExecution, cancelExecutionFolded } from '../../contract/executions.ts'
import { unavailable } from '../ground/errors.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of an operation of the contract that changes nothing, whatever its method. */
    onlyReads?: boolean
  }
}

const READING = new Set(['GET', 'HEAD', 'OPTIONS'])
/** `POST /applications/:a/notebooks/:n` only cancels, too: the published spelling. */
const CANCELING = new Set([cancelExecution.path, cancelExecutionFolded.path, cancelBackfill.path])

/**
 * Answers 503 to what would change something, from when the signal is aborted, and to everything, from when the door closes;
 * and ends the connection, so that a client which asks again finds a service that goes on.
 */
export function refuseWhileDraining(app: FastifyInstance, draining: AbortSignal): void {
  let isClosing = false
  app.addHook('preClose', async () => {
    isClosing = true
  })
  app.addHook('onRequest', (request, reply, done) => {
    if (!isClosing && (!draining.aborted || mayPass(request))) return done()
    reply.header('connection', 'close')
    throw unavailable('The service is about to stop and takes nothing new; try again in a moment')
  })
}

const mayPass = ({ method, routeOptions }: FastifyRequest) =>
  READING.has(method) ||
  routeOptions.config?.onlyReads === true ||
  (method === 'POST' && CANCELING.has(routeOptions.url ?? ''))
