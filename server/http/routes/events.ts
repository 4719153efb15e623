/** Events: contract routes to the rooms below. */

import * as contract from '../../../contract/application-events.ts'
import { actorOf } from '../../access/callers.ts'
import { countEvents, deleteEvents, updateEvents } from '../../catalog/event-bulk.ts'
import type { EventJobInputs, EventJobKind } from '../../catalog/event-jobs.ts'
import { eventCondition } from '../../catalog/event-query.ts'
import { sourceOf } from '../../catalog/event-record.ts'
import * as events from '../../catalog/events.ts'
import { type Told, toldOf } from '../../jobs/told.ts'
import { readQuery } from '../../query/parse.ts'
import { askedBy, type Caller } from '../job-requests.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

const NAMES: Record<EventJobKind, string> = {
  eventsPatch: 'Change of events',
  eventsDelete: 'Deletion of events',
  eventsExport: 'Export of events',
}

/** Registers the routes of events. */
export function serveEvents(door: Door, { db, jobs }: Parts): void {
  const enqueue = <K extends EventJobKind>(
    call: Caller,
    applicationId: string,
    kind: K,
    input: EventJobInputs[K],
    told: Told,
  ) =>
    jobs.enqueue(db, {
      applicationId,
      kind,
      name: NAMES[kind],
      resourceType: 'event',
      mailsUser: kind !== 'eventsExport',
      input: { ...input, ...toldOf(told) },
      ...askedBy(call),
    })

  serve(door, contract.createEvent, async (call) => {
    const { applicationId } = call.params
    const source = await sourceOf(db, actorOf(call.caller))
    return events.createEvent(db, applicationId, call.body, source, new Date())
  })
  serve(door, contract.listEvents, async (call) => {
    const { applicationId } = call.params
    return { ...(await events.listEvents(db, applicationId, call.query)), applicationId }
  })
  serve(door, contract.mostRecentBySeverity, async (call) =>
    events.mostRecentBySeverity(db, call.params.applicationId, call.query),
  )
  serve(door, contract.getEvent, async (call) => events.getEvent(db, call.params.applicationId, call.params.eventId))
  serve(door, contract.patchEvent, async (call) => {
    const { applicationId } = call.params
    const source = await sourceOf(db, actorOf(call.caller))
    return events.patchEvent(db, applicationId, call.params.eventId, call.body, source, new Date())
  })
  serve(door, contract.deleteEvent, async (call) => {
    await events.deleteEvent(db, call.params.applicationId, call.params.eventId)
    return { success: true }
  })

  serve(door, contract.patchEvents, async (call) => {
    const { email: _, callbackUrl: __, filterField: ___, ...filters } = call.query
    const { applicationId } = call.params
    const choice = { ...filters, query: readQuery(filters.query, 'query') }
    const change = await events.readChange(db, applicationId, call.body, 'updates')
    const source = await sourceOf(db, actorOf(call.caller))
    const before = new Date()
    if ((await countEvents(db, { applicationId, choice }, contract.MAX_EVENTS_AT_ONCE)) > contract.MAX_EVENTS_AT_ONCE) {
      const input = { choice, patch: call.body, source, before: before.toISOString() }
      return enqueue(call, applicationId, 'eventsPatch', input, call.query)
    }
    await updateEvents(db, { applicationId, choice }, { change, source, before })
    return { success: true }
  })
  serve(door, contract.deleteEvents, async (call) => {
    const { applicationId } = call.params
    const chosen = { applicationId, choice: { query: call.body } }
    const before = new Date()
    if ((await countEvents(db, chosen, contract.MAX_EVENTS_AT_ONCE)) > contract.MAX_EVENTS_AT_ONCE) {
      const input = { query: call.body, before: before.toISOString() }
      return enqueue(call, applicationId, 'eventsDelete', input, call.query)
    }
    return { removed: await deleteEvents(db, chosen, before) }
  })
  serve(door, contract.exportEvents, async (call) => {
    const { query, format = 'csv', excludeUpdates = false, ...told } = call.body
    const { applicationId } = call.params
    eventCondition(applicationId, { query }, [], 'exportData.query') // a fault is told now, not by a job that fails
    const input = { ...(query ? { query } : {}), format, excludeUpdates }
    return enqueue(call, applicationId, 'eventsExport', input, told)
  })
}
