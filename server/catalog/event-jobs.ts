/** Work on many events that goes on after its request was answered. */

import { join } from 'node:path'
import type { EventPatch, EventSource } from '../../contract/application-events.ts'
import type { JobTools, JobWork } from '../jobs/work.ts'
import type { Database } from '../stores/postgres/database.ts'
import { deleteEvents, updateEvents } from './event-bulk.ts'
import { type EventFormat, exportEvents } from './event-export.ts'
import type { EventChoice } from './event-query.ts'
import { readChange } from './events.ts'

/** The input of each kind, as its request was checked before it was queued. */
export interface EventJobInputs {
  eventsPatch: { choice: EventChoice; patch: EventPatch; source: EventSource; before: string }
  eventsDelete: { query: object; before: string }
  eventsExport: { query?: object; format: EventFormat; excludeUpdates: boolean }
}
export type EventJobKind = keyof EventJobInputs

/** The work of each kind. Done twice it is what it was done once: events that are changed already are passed over. */
export const eventJobs = (db: Database): Readonly<Record<EventJobKind, JobWork>> => ({
  eventsPatch: async ({ id, applicationId, input }, tools) => {
    const { choice, patch, source, before } = inputOf<'eventsPatch'>(input)
    const change = await readChange(db, applicationId, patch, 'updates')
    const how = { change, source, before: new Date(before), jobId: id }
    return { output: { updated: await updateEvents(db, { applicationId, choice }, how, progressOf(tools)) } }
  },
  eventsDelete: async ({ applicationId, input }, tools) => {
    const { query, before } = inputOf<'eventsDelete'>(input)
    const chosen = { applicationId, choice: { query } }
    return { output: { removed: await deleteEvents(db, chosen, new Date(before), progressOf(tools)) } }
  },
  eventsExport: async ({ applicationId, input }, tools) => {
    const { query, format, excludeUpdates } = inputOf<'eventsExport'>(input)
    const [name, path] = [`events.${format}`, join(tools.folder, 'events')]
    const events = await exportEvents(db, applicationId, query, format, path, tools.signal, {
      updates: !excludeUpdates,
      path: 'exportData.query',
      progress: progressOf(tools),
    })
    return { files: [{ name, path }], output: { events } }
  },
})

// Written by the route of the same kind, after its checks.
const inputOf = <K extends EventJobKind>(input: unknown) => input as EventJobInputs[K]

/** How many there will be is not known before the end; what is done so far is. */
const progressOf = ({ progress, signal }: JobTools) => {
  return (completed: number) => {
    signal.throwIfAborted()
    progress(completed, completed)
  }
}
