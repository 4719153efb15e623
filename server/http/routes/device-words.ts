/** The words devices use: contract routes to the rooms below. */

import { getAttributeNames, getDeviceNames, getTagKeys, getTagValues } from '../../../contract/device-words.ts'
import * as words from '../../catalog/device-words.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Registers the routes of words. */
export function serveDeviceWords(door: Door, { db }: Parts): void {
  serve(door, getAttributeNames, async ({ params, query }) => ({
    attributeNames: await words.attributeNames(db, params.applicationId, query),
  }))
  serve(door, getDeviceNames, async ({ params, query }) => ({
    deviceSummary: await words.deviceNames(db, params.applicationId, query),
  }))
  serve(door, getTagKeys, async ({ params, query }) => ({
    tagKeys: await words.tagKeys(db, params.applicationId, query),
  }))
  serve(door, getTagValues, async ({ params, query }) => ({
    tagKey: query.key,
    tagValues: await words.tagValues(db, params.applicationId, query),
  }))
}
