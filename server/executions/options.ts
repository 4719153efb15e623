/** What executions and exports of inputs are asked with alike: the query time and the context of templates. */

import type { TimeFormats } from '../../contract/shapes.ts'
import { invalid } from '../ground/errors.ts'
import { parseJson } from '../ground/json.ts'
import { parseMoment } from '../ground/moments.ts'

/** The query time, now when none is given. @throws invalid, `field` naming the options, when it is no time */
export function queryTime(relativeTo: TimeFormats | undefined, now: Date, field: string): Date {
  const moment = relativeTo === undefined ? now : parseMoment(relativeTo, now)
  if (moment) return moment
  throw invalid(
    `${field}.relativeTo must be a time: ISO 8601 text, epoch milliseconds or seconds, a negative number of milliseconds before now, or {"$date": …}`,
  )
}

/** @throws invalid when the context is not JSON text; none is fine */
export function requireContext(context: string | undefined, field: string): void {
  if (context !== undefined && context !== '') parseJson(context, `${field}.templateContext`)
}
