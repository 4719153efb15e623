/** Input eventData: the events of the application, all or those a query asks for, as CSV or JSON. */

import type { EventDataInput } from '../../../contract/notebook-files.ts'
import { exportEvents } from '../../catalog/event-export.ts'
import { parseQueryJson } from '../../query/parse.ts'
import { renderTemplate } from '../../templates/render.ts'
import { QUERY_PATH } from './chosen-devices.ts'
import { readHeader } from './header.ts'
import { type Gather, type GatherTable, type Staging, text } from './input.ts'

/** An array of whole events, each with its history. */
export const gatherEventObjects: Gather<EventDataInput> = (input, file, staging) => write(input, 'json', file, staging)

/** A line for each event; which columns there are depends on the tags they have. */
export const gatherEventTable: GatherTable<EventDataInput> = async (input, file, staging) => {
  await write(input, 'csv', file, staging)
  return (await readHeader(file)).map(text)
}

async function write(input: EventDataInput, format: 'csv' | 'json', file: string, staging: Staging) {
  const { db, applicationId, context, signal } = staging
  const query = parseQueryJson(renderTemplate(input.queryJson ?? '', context), QUERY_PATH)
  await staging.inTurn(() => exportEvents(db, applicationId, query, format, file, signal, { path: QUERY_PATH }))
}
