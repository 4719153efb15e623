/** The words devices use: contract routes to the rooms below. */

import { getAttributeNames, getDeviceNames, getTagKeys, getTagValues } from '../../../contract/device-words.ts'
import { enterApplication } from '../../catalog/applications.ts'
import * as words from '../../catalog/device-words.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Registers the routes of words. */
export function serveDeviceWords(door: Door, { db }: Parts): void {
  const enter = (userId: string, applicationId: string) => enterApplication(db, userId, applicationId)

  serve(door, getAttributeNames, async ({ caller, params, query }) => ({
    attributeNames: await words.attributeNames(db, await enter(caller.userId, params.applicationId), query),
  }))
  serve(door, getDeviceNames, async ({ caller, params, query }) => ({
    deviceSummary: await words.deviceNames(db, await enter(caller.userId, params.applicationId), query),
  }))
  serve(door, getTagKeys, async ({ caller, params, query }) => ({
    tagKeys: await words.tagKeys(db, await enter(caller.userId, params.applicationId), query),
  }))
  serve(door, getTagValues, async ({ caller, params, query }) => ({
    tagKey: query.key,
    tagValues: await words.tagValues(db, await enter(caller.userId, params.applicationId), query),
  }))
}
