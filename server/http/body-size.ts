/**
 * How large a JSON body may be where its application allows less than the installation. The installation's limit is held
 * while a body arrives; only one that is larger than any application's limit can be is looked at once more.
 */

import type { FastifyRequest } from 'fastify'
import type { InstallationLimits } from '../../contract/limits.ts'
import { mostBytes } from '../catalog/application-limits.ts'
import { largerThan } from '../ground/sizes.ts'
import type { Queryable } from '../stores/postgres/database.ts'

/** The lowest limit an application can set (catalog/limits.ts): most bodies are smaller, and cost no look. */
const ALWAYS_ALLOWED = 64 * 1024

const sizes = new WeakMap<FastifyRequest, number>()

/** Takes down how large the body of a request was, once it has arrived. */
export const noteBodySize = (request: FastifyRequest, bytes: number) => sizes.set(request, bytes)

/** Gives what refuses bodies that are larger than the application allows, which the caller has entered. */
export const bodySizeCheck =
  (db: Queryable, installation: InstallationLimits) =>
  async (request: FastifyRequest, applicationId: string): Promise<void> => {
    const bytes = sizes.get(request) ?? 0
    if (bytes <= ALWAYS_ALLOWED) return
    const most = await mostBytes(db, applicationId, 'bodyBytes', installation)
    if (bytes > most.bytes) throw largerThan('The body', most, bytes)
  }
