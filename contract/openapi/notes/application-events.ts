/** Notes about `contract/application-events.ts`. */

import { APPLICATION, CHANGED, EVENT, FREEZER, MADE, USER } from '../example-world.ts'
import type { Notes } from '../notes.ts'

const source = { sourceType: 'user', sourceId: USER, sourceName: 'Ada' }
const event = {
  id: EVENT,
  eventId: EVENT,
  applicationId: APPLICATION,
  creationDate: MADE,
  lastUpdated: CHANGED,
  ...source,
  level: 'warning',
  state: 'acknowledged',
  subject: 'Freezer 3 is too warm',
  message: 'It was above -15 °C for 20 minutes.',
  deviceId: FREEZER,
  deviceName: 'Freezer 3',
  disableTagChangeTracking: false,
  eventTags: { floor: '2' },
  updates: [
    { ...source, creationDate: CHANGED, comment: 'On my way', stateChange: { old: 'new', new: 'acknowledged' } },
  ],
}
const query = { state: 'resolved' }
const more = 'Up to 1,000 events are done at once; more are left to a job, and answered with 202.'

export const notes: Notes = {
  tag: { name: 'Events', description: 'Something that happened, who said so, and what was done about it.' },
  schemas: {
    EventLevel: { is: 'How severe an event is.' },
    EventState: { is: 'Whether somebody has seen to an event.' },
    EventTags: { is: 'What an event is found by: a value for each key.', example: { floor: '2' } },
    EventSource: { is: 'Who caused something.', example: source },
    EventPost: {
      is: 'An event to be made.',
      example: {
        level: 'warning',
        subject: 'Freezer 3 is too warm',
        message: 'It was above -15 °C for 20 minutes.',
        deviceId: FREEZER,
        eventTags: { floor: '2' },
      },
    },
    EventPatch: {
      is: 'What is to change of an event, and what is said about it.',
      example: { state: 'acknowledged', comment: 'On my way' },
    },
    EventUpdate: { is: 'One entry of the history of an event.', example: event.updates[0] },
    Event: { is: 'An event with its history.', example: event },
    EventsExport: {
      is: 'Which events are to be written.',
      example: { query, format: 'csv', email: 'ada@example.com' },
    },
  },
  routes: {
    patchEvents: { more },
    deleteEvents: { more, request: query, reply: { removed: 17 } },
    mostRecentBySeverity: { reply: { event, newCount: 4 } },
  },
}
