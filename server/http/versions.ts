/** `Accept-Version`: a range of versions that a client was made for, in the notation of npm. There is one version. */

import type { FastifyInstance, FastifyRequest } from 'fastify'
import semver from 'semver'
import { API_VERSION } from '../../contract/version.ts'
import { otherVersion } from '../ground/errors.ts'
import { shorten } from '../ground/shorten.ts'

/** Characters; a range of thousands of alternatives takes a while to read, and whoever asks has shown no token yet. */
const MAX_LENGTH = 256

/** Why a range is not served, undefined when it is. A header that is absent or empty asks for nothing. */
export function versionFault(header: string | undefined): string | undefined {
  if (!header?.trim()) return undefined
  const range = header.length > MAX_LENGTH ? null : semver.validRange(header)
  if (range === null)
    return `Accept-Version must be a range of versions such as ^${API_VERSION}, and ${shorten(JSON.stringify(header))} is none`
  if (semver.satisfies(API_VERSION, range)) return undefined
  return `Accept-Version ${shorten(header)} is not served here; the version of this API is ${API_VERSION}`
}

/** Refuses what is asked of another version, once it is known that there is such a route. */
export function checkVersions(app: FastifyInstance): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const fault = request.is404 ? undefined : versionFault(headerOf(request))
    if (fault) throw otherVersion(fault)
    done()
  })
}

/** Of a header that came more than once Node makes one text. */
const headerOf = ({ headers }: FastifyRequest) => headers['accept-version']?.toString()
