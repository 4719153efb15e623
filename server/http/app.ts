/** The door: one page that lists everything it answers. */

import multipart from '@fastify/multipart'
import fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyRequest, LogController } from 'fastify'
import type { Route } from '../../contract/route.ts'
import { shareRates } from '../access/shared-rates.ts'
import { newId } from '../ground/ids.ts'
import { type ArrivalLimits, limitArrival } from './arrival.ts'
import { bodySizeCheck } from './body-size.ts'
import { addressesIn, addressOf } from './client-address.ts'
import { answerClientErrors } from './client-errors.ts'
import { refuseWhileDraining } from './closing.ts'
import { compressAnswers } from './compression.ts'
import { allowOtherOrigins, answerPreflights } from './cors.ts'
import { createDeeds } from './deeds.ts'
import { createEnvelope } from './envelope.ts'
import { answer, answerErrors } from './errors.ts'
import { leaveOutForHead } from './head.ts'
import { limitHeads, MAX_HEAD_BYTES } from './head-limits.ts'
import { createRepeats } from './idempotency.ts'
import { acceptJson } from './json-body.ts'
import { noteMethods } from './methods.ts'
import { answeredUrl, type Reached, sharedUrl } from './own-url.ts'
import type { Parts } from './parts.ts'
import { limitRates } from './rates.ts'
import { serveApiTokens } from './routes/api-tokens.ts'
import { serveApplicationKeys } from './routes/application-keys.ts'
import { serveApplicationLimits } from './routes/application-limits.ts'
import { serveApplications } from './routes/applications.ts'
import { serveAuditLog } from './routes/audit-log.ts'
import { serveAuth } from './routes/auth.ts'
import { serveBackfills } from './routes/backfills.ts'
import { serveBytes } from './routes/bytes.ts'
import { serveConnections } from './routes/connections.ts'
import { serveData } from './routes/data.ts'
import { serveDataJobs } from './routes/data-jobs.ts'
import { serveDataTables } from './routes/data-tables.ts'
import { serveDeliveries } from './routes/deliveries.ts'
import { serveDeviceAttributes } from './routes/device-attributes.ts'
import { serveDeviceBulk } from './routes/device-bulk.ts'
import { serveDeviceSignIn } from './routes/device-sign-in.ts'
import { serveDeviceWords } from './routes/device-words.ts'
import { serveDevices } from './routes/devices.ts'
import { serveDocuments } from './routes/documents.ts'
import { serveEvents } from './routes/events.ts'
import { serveExecutions } from './routes/executions.ts'
import { isFileUpload, serveFiles } from './routes/files.ts'
import { serveHealth } from './routes/health.ts'
import { serveJobLogs } from './routes/job-logs.ts'
import { serveMe } from './routes/me.ts'
import { serveMembers } from './routes/members.ts'
import { serveNotebooks } from './routes/notebooks.ts'
import { serveRetention } from './routes/retention.ts'
import { serveRoot } from './routes/root.ts'
import { serveRows } from './routes/rows.ts'
import { serveSchedules } from './routes/schedules.ts'
import { serveStates } from './routes/states.ts'
import { serveTelemetry } from './routes/telemetry.ts'
import { serveUploadForms } from './routes/upload-forms.ts'
import { serveUsers } from './routes/users.ts'
import { addSecurityHeaders, securityHeaders, tellFirst } from './security-headers.ts'
import { type Door, entryTo } from './serve.ts'
import { limitConnections } from './sockets.ts'
import { checkVersions } from './versions.ts'

export type { FastifyInstance }

const ARRIVAL: ArrivalLimits = { headersMs: 20_000, requestMs: 5 * 60_000, pauseMs: 2 * 60_000 }
/** Longer than the minute that proxies and load balancers keep a connection for, so that it is they who close it. */
const KEEP_ALIVE_MS = 72_000
/** How often Node looks for connections whose headers are late. */
const CHECK_MS = 5000

/** Builds the door over the parts of the service; it does not listen yet. */
export async function createApp(
  parts: Parts,
  logger: FastifyBaseLogger,
  arrival: ArrivalLimits = ARRIVAL,
): Promise<FastifyInstance> {
  const { config } = parts
  const headers = securityHeaders(config.http.publicUrl)
  const isTrusted = addressesIn(config.connections.trustedProxies)
  const app = fastify({
    loggerInstance: logger,
    // One line for every request would bury what matters; errors are logged where they are answered.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: config.http.bodyBytes,
    requestTimeout: 0, // see arrival.ts
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: {
      headersTimeout: arrival.headersMs,
      connectionsCheckingInterval: Math.min(arrival.headersMs / 2, CHECK_MS),
      maxHeaderSize: MAX_HEAD_BYTES,
      requireHostHeader: false, // head-limits.ts does
    },
    trustProxy: isTrusted,
    forceCloseConnections: 'idle',
    return503OnClosing: false, // closing.ts does
    clientErrorHandler: answerClientErrors(headers),
    genReqId: () => newId(),
    // No hook sees a request with such a path.
    frameworkErrors: (error, request, reply) => {
      tellFirst(headers, request, reply)
      const refusal = rates.countUnseen(request.url, addressOf(request.raw, isTrusted), reply)
      return answer(refusal ?? error, request, reply)
    },
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 2048 },
  })
  await app.register(multipart, { throwFileSizeLimit: false })
  acceptJson(app)
  answerErrors(app, noteMethods(app))
  addSecurityHeaders(app, headers)
  limitConnections(app.server, { ...config.connections, isTrusted })
  await allowOtherOrigins(app)
  const rates = limitRates(app, config.rates)
  if (config.rates.store === 'postgres') {
    const shared = shareRates(parts.db, rates.buckets, parts.log)
    app.addHook('onClose', () => shared[Symbol.asyncDispose]())
  }
  limitHeads(app)
  answerPreflights(app)
  checkVersions(app)
  const repeats = createRepeats(app, { db: parts.db, log: parts.log, secret: parts.linkSecret })
  const deeds = createDeeds(app, parts)
  compressAnswers(app)
  leaveOutForHead(app)
  limitArrival(app, arrival, isFileUpload)
  refuseWhileDraining(app, parts.draining)

  const routes: Route[] = []
  const door: Door = {
    app,
    countCaller: rates.countCaller,
    routes,
    wrap: createEnvelope(routes),
    tokens: parts.tokens,
    baseUrl: (request) => answeredUrl(config.http, reachedAt(request)),
    sharedUrl: (request) => sharedUrl(config.http, reachedAt(request)),
    enter: entryTo(parts.standings, parts.db),
    forgetStandings: parts.standings.forget,
    requireBodySize: bodySizeCheck(parts.db, config.limits),
    repeats,
    deeds,
  }
  serveRoot(app)
  serveDocuments(app)
  serveHealth(app, parts)
  serveAuth(door, parts)
  serveMe(door, parts)
  serveUsers(door, parts)
  serveApplications(door, parts)
  serveApplicationLimits(door, parts)
  serveMembers(door, parts)
  serveApiTokens(door, parts)
  serveApplicationKeys(door, parts)
  serveDeviceSignIn(door, parts)
  serveDevices(door, parts)
  serveDeviceAttributes(door, parts)
  serveDeviceWords(door, parts)
  serveDeviceBulk(door, parts)
  serveStates(door, parts)
  serveTelemetry(door, parts)
  serveConnections(door, parts)
  serveData(door, parts)
  serveDataJobs(door, parts)
  serveDataTables(door, parts)
  serveRows(door, parts)
  serveEvents(door, parts)
  serveFiles(door, parts)
  serveJobLogs(door, parts)
  serveDeliveries(door, parts)
  serveRetention(door, parts)
  serveAuditLog(door, parts)
  serveNotebooks(door, parts)
  serveExecutions(door, parts)
  serveBackfills(door, parts)
  serveSchedules(door, parts)
  serveUploadForms(app, parts)
  serveBytes(app, parts)
  return app
}

const reachedAt = ({ headers, socket }: FastifyRequest): Reached => ({
  host: headers.host,
  address: socket.localAddress,
  port: socket.localPort,
})
