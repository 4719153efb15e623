/** Executing notebooks and what is told of it: both spellings of the published document, and ways to watch a run of our own. */

import type { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import type { FastifyReply } from 'fastify'
import { getDocument, getPage, getPartialResult, watchExecution } from '../../../contract/events.ts'
import {
  cancelExecution,
  cancelExecutionFolded,
  type ExecutionLog,
  executeNotebook,
  getExecution,
  getLogs,
  getMinuteCounts,
  getMyMinuteCounts,
  rerunExecution,
} from '../../../contract/executions.ts'
import { wholeNumber } from '../../catalog/listing.ts'
import * as notebooks from '../../catalog/notebooks.ts'
import { usageOf } from '../../executions/metrics.ts'
import { openPartial } from '../../executions/partial.ts'
import { toLog } from '../../executions/record.ts'
import { renderedResult } from '../../executions/rendering.ts'
import { requestExecution } from '../../executions/request.ts'
import { requestRerun } from '../../executions/rerun.ts'
import * as executions from '../../executions/store.ts'
import { minuteCounts } from '../../executions/usage.ts'
import { invalid } from '../../ground/errors.ts'
import { parseMoment } from '../../ground/moments.ts'
import type { Queryable } from '../../stores/postgres/database.ts'
import { hasSeenTheEnd, lastSeen, streamEvents } from '../event-stream.ts'
import { askedBy, requesterOf } from '../job-requests.ts'
import type { Parts } from '../parts.ts'
import { callerKey } from '../rates.ts'
import { type Door, requireUser, serve, serveRaw } from '../serve.ts'
import { createStreams } from '../streams.ts'
import { waitForEnd, waitMs } from '../waiting.ts'

const MAX_LOGS = 1000

/** Registers the routes of executions. */
export function serveExecutions(
  door: Door,
  { db, blobs, config, jobs, linkFile, watch, draining, log: says }: Parts,
): void {
  const find = (params: { applicationId: string; notebookId: string }) =>
    notebooks.getNotebook(db, params.applicationId, params.notebookId)
  const log = (baseUrl: string) => (execution: Parameters<typeof toLog>[0]) =>
    toLog(execution, (file, name, from) => linkFile(baseUrl, file.key, name, from))

  serveRaw(door, executeNotebook, async (call, _request, reply) => {
    const { caller, params, query, body, baseUrl, sharedUrl, settle, enterAgain } = call
    const limitMs = waitMs(query.wait)
    const requester = { ...requesterOf(caller), baseUrl: sharedUrl }
    const notebook = await find(params)
    const answer = await db.transaction(async (tx) => {
      const executionId = await requestExecution(tx, notebook, body, requester, config.limits, new Date())
      const queued = { success: true, executionId }
      await settle(tx, queued)
      return queued
    })
    const { executionId } = answer
    if (limitMs === 0) return reply.send(answer)
    const read = async () => {
      await enterAgain() // who waits may have been shut out meanwhile
      return executions.getExecution(db, notebook.id, executionId)
    }
    const ended = await waitForEnd({ watch, draining, log: says, read }, executionId, limitMs, goneOf(reply))
    return reply.send({ ...answer, ...(ended ? log(baseUrl)(ended) : {}) })
  })
  serve(door, rerunExecution, async ({ caller, params, settle }) => {
    const notebook = await find(params)
    const execution = await executions.getExecution(db, notebook.id, params.executionId)
    const requester = requesterOf(caller)
    const answer = (executionId: string) => ({ success: true, executionId })
    const queued = (tx: Queryable, id: string) => settle(tx, answer(id))
    return answer(await requestRerun({ db, blobs, queued }, execution, requester, config.limits, new Date()))
  })
  for (const spelling of [cancelExecution, cancelExecutionFolded]) {
    serve(door, spelling, async ({ params, query }) => {
      const notebook = await find(params)
      await executions.cancelExecution(db, notebook.id, query.executionId.toLowerCase())
      return { success: true }
    })
  }
  serve(door, getLogs, async ({ params, query, baseUrl }) => {
    const notebook = await find(params)
    const since = query.since ? parseMoment(query.since, new Date()) : undefined
    if (query.since && !since) throw invalid('since must be a time in milliseconds since 1970')
    const limit = wholeNumber(query.limit, 1, 1, MAX_LOGS)
    const logs: ExecutionLog[] = []
    for (const execution of await executions.listExecutions(db, notebook.id, limit, since)) {
      // Up to 100 links each, which are signed: others are served in between.
      if (logs.length % 20 === 19) await setImmediate()
      logs.push(log(baseUrl)(execution))
    }
    return logs
  })
  serve(door, getExecution, async ({ params, baseUrl }) => {
    const notebook = await find(params)
    const execution = await executions.getExecution(db, notebook.id, params.executionId)
    const { progress, attempt, ranOn, errors, snapshot, rerunOf, backfillId, schedule } = execution
    return {
      ...log(baseUrl)(execution),
      executionErrors: errors,
      ...(rerunOf ? { rerunOf } : {}),
      ...(backfillId ? { backfillId } : {}),
      progress,
      attempt,
      ...(schedule ? { schedule: { ...schedule, plannedFor: schedule.plannedFor.toISOString() } } : {}),
      usage: usageOf(execution),
      warnings: execution.metrics?.warnings ?? [],
      ...(snapshot.limits ? { limits: snapshot.limits } : {}),
      ...(ranOn ? { ranOn } : {}),
    }
  })
  serve(door, getMinuteCounts, async ({ params, query }) =>
    minuteCounts(db, { notebookId: (await find(params)).id }, query, new Date()),
  )
  serve(door, getMyMinuteCounts, ({ caller, query }) =>
    minuteCounts(db, { userId: requireUser(caller).userId }, query, new Date()),
  )

  const streams = createStreams(config.connections.streams)
  serveRaw(door, watchExecution, async ({ params, query, caller, enterAgain }, request, reply) => {
    const notebook = await find(params)
    const execution = await executions.getExecution(db, notebook.id, params.executionId)
    const after = lastSeen(request.headers['last-event-id'] ?? query.lastEventId)
    // An EventSource that is answered so does not come back again (HTML standard, 9.2.3).
    if (hasSeenTheEnd(execution, after)) return reply.code(204).send()
    streams.enter(callerKey(caller), reply)
    return streamEvents(reply, (signal) => watch.follow(execution.id, after, signal), enterAgain)
  })
  // Clients must not be left hanging on a door that closes: they come back to where they were.
  door.app.addHook('preClose', async () => watch.end())

  serveRaw(door, getPartialResult, async ({ params }, _request, reply) => {
    const notebook = await find(params)
    const content: Readable = await openPartial(db, blobs, notebook.id, params.executionId)
    reply.headers({
      'content-type': 'application/x-ipynb+json; charset=utf-8',
      'content-disposition': 'inline; filename="result.ipynb"',
      'content-security-policy': "sandbox; default-src 'none'; frame-ancestors 'none'",
    })
    return reply.send(content)
  })

  for (const [route, file] of [
    [getPage, 'result.html'],
    [getDocument, 'result.pdf'],
  ] as const) {
    serveRaw(door, route, async (call, _request, reply) => {
      const { id: notebookId, applicationId } = await find(call.params)
      const { executionId } = call.params
      const asked = { ...askedBy(call), applicationId, notebookId, executionId, file, signal: goneOf(reply) }
      const { key } = await renderedResult({ db, blobs, jobs }, asked)
      await call.enterAgain() // it may have taken a while
      // A link of its own, so that a page has no token in its address, which it could read.
      return reply.redirect(linkFile(call.baseUrl, key, file, new Date()), 303)
    })
  }
}

/** Aborted when the client does not wait any more. */
function goneOf(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  if (reply.raw.destroyed) gone.abort()
  return gone.signal
}
