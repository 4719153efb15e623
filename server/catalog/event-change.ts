/** What a change makes of an event, and the entry it leaves in the event's history. */

import type { EventPatch, EventSource, EventUpdate } from '../../contract/application-events.ts'
import type { EventRow } from './event-record.ts'

/** As in the published schema. */
const MAX_UPDATES = 100
/** Of a history as JSON, so that a list of events stays readable; the oldest entries go first. */
const MAX_UPDATES_LENGTH = 262_144

/** A device as an event names it. */
export interface EventDevice {
  readonly id: string
  readonly name: string
}

/** A patch whose device has been looked up: null takes it away, undefined leaves it. */
export type EventChange = Omit<EventPatch, 'deviceId'> & { readonly device: EventDevice | null | undefined }

/** The parts of a row that a change can change. */
export type Changed = Pick<EventRow, 'level' | 'state' | 'subject' | 'device_id' | 'device_name' | 'tags' | 'updates'>

/**
 * The event after a change, or undefined when nothing is changed and nothing said. Tags are replaced whole; data and
 * comment belong to the entry of the history and leave the event's own as they are.
 */
export function changeEvent(row: EventRow, change: EventChange, source: EventSource, at: Date): Changed | undefined {
  const after = {
    level: change.level ?? row.level,
    state: change.state ?? row.state,
    subject: change.subject ?? row.subject,
    device_id: change.device === undefined ? row.device_id : (change.device?.id ?? null),
    device_name: change.device === undefined ? row.device_name : (change.device?.name ?? null),
    tags: change.eventTags ?? row.tags,
  }
  const tagsChange = tagsChangeOf(row.tags, after.tags)
  const told = {
    ...(change.comment === undefined ? {} : { comment: change.comment }),
    ...(change.data === undefined ? {} : { data: change.data }),
    ...(change.state === undefined ? {} : { state: change.state }),
    ...(after.state === row.state ? {} : { stateChange: { old: row.state, new: after.state } }),
    ...(after.level === row.level ? {} : { levelChange: { old: row.level, new: after.level } }),
    ...(after.subject === row.subject ? {} : { subjectChange: { old: row.subject, new: after.subject } }),
    ...(after.device_id === row.device_id ? {} : { deviceIdChange: deviceChangeOf(row, after) }),
    ...(row.track_tags && Object.keys(tagsChange).length > 0 ? { tagsChange } : {}),
  }
  // Tags that are not tracked change without a word in the history.
  if (Object.keys(told).length === 0)
    return Object.keys(tagsChange).length > 0 ? { ...after, updates: row.updates } : undefined
  const update: EventUpdate = { ...source, creationDate: at.toISOString(), ...told }
  return { ...after, updates: newest([...row.updates, update]) }
}

const deviceChangeOf = (before: EventRow, after: Pick<EventRow, 'device_id' | 'device_name'>) => ({
  ...(before.device_id === null ? {} : { old: before.device_id }),
  ...(before.device_name === null ? {} : { oldDeviceName: before.device_name }),
  ...(after.device_id === null ? {} : { new: after.device_id }),
  ...(after.device_name === null ? {} : { newDeviceName: after.device_name }),
})

function tagsChangeOf(before: EventRow['tags'], after: EventRow['tags']): NonNullable<EventUpdate['tagsChange']> {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((key) => before[key] !== after[key])
  return Object.fromEntries(
    keys.map((key) => [
      key,
      {
        ...(before[key] === undefined ? {} : { old: before[key] }),
        ...(after[key] === undefined ? {} : { new: after[key] }),
      },
    ]),
  )
}

/** As many of the newest entries as a history may have; the very newest in any case. */
function newest(updates: readonly EventUpdate[]): EventUpdate[] {
  const kept: EventUpdate[] = []
  let length = 0
  for (const update of updates.toReversed()) {
    length += JSON.stringify(update).length
    if (kept.length === MAX_UPDATES || (kept.length > 0 && length > MAX_UPDATES_LENGTH)) break
    kept.unshift(update)
  }
  return kept
}
