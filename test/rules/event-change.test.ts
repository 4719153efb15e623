/** What a change makes of an event, and what its history says of it. */

import assert from 'node:assert/strict'
import test from 'node:test'
import type { EventSource } from '../../contract/application-events.ts'
import { changeEvent, type EventChange } from '../../server/catalog/event-change.ts'
import type { EventRow } from '../../server/catalog/event-record.ts'

const AT = new Date('2026-01-02T03:04:05Z')
const SOURCE: EventSource = { sourceType: 'user', sourceId: '65f000000000000000000001', sourceName: 'ann@example.com' }
const PUMP = { id: '65f000000000000000000002', name: 'a pump' }
const VALVE = { id: '65f000000000000000000003', name: 'a valve' }

const ROW: EventRow = {
  id: '65f0000000000000000000aa',
  application_id: '65f0000000000000000000bb',
  created_at: AT,
  updated_at: AT,
  source_type: 'user',
  source_id: SOURCE.sourceId,
  source_name: SOURCE.sourceName,
  level: 'warning',
  state: 'new',
  subject: 'too warm',
  message: null,
  data: '{"a":1}',
  device_id: PUMP.id,
  device_name: PUMP.name,
  track_tags: true,
  tags: { floor: '1', line: 'a' },
  updates: [],
}

const change = (patch: Partial<EventChange>, row: EventRow = ROW) =>
  changeEvent(row, { device: undefined, ...patch }, SOURCE, AT)
const ENTRY = { ...SOURCE, creationDate: '2026-01-02T03:04:05.000Z' }

/** The patch, and what the entry says beside who and when. */
const CASES: readonly (readonly [name: string, patch: Partial<EventChange>, says: object])[] = [
  ['a comment', { comment: 'seen' }, { comment: 'seen' }],
  ['data, also when it is null', { data: null }, { data: null }],
  [
    'a new state',
    { state: 'acknowledged' },
    { state: 'acknowledged', stateChange: { old: 'new', new: 'acknowledged' } },
  ],
  ['the state it has', { state: 'new' }, { state: 'new' }],
  ['a new level', { level: 'critical' }, { levelChange: { old: 'warning', new: 'critical' } }],
  ['a new subject', { subject: 'hot' }, { subjectChange: { old: 'too warm', new: 'hot' } }],
  [
    'another device',
    { device: VALVE },
    { deviceIdChange: { old: PUMP.id, oldDeviceName: 'a pump', new: VALVE.id, newDeviceName: 'a valve' } },
  ],
  ['no device any more', { device: null }, { deviceIdChange: { old: PUMP.id, oldDeviceName: 'a pump' } }],
  [
    'tags: one changed, one gone, one new',
    { eventTags: { floor: '2', room: 'x' } },
    { tagsChange: { floor: { old: '1', new: '2' }, line: { old: 'a' }, room: { new: 'x' } } },
  ],
]

for (const [name, patch, says] of CASES) {
  test(`the history tells of ${name}`, () => {
    assert.deepEqual(change(patch)?.updates, [{ ...ENTRY, ...says }])
  })
}

test('nothing given, or nothing different, is no change', () => {
  assert.equal(change({}), undefined)
  assert.equal(change({ level: 'warning', subject: 'too warm', device: PUMP, eventTags: { ...ROW.tags } }), undefined)
})

test('tags that are not tracked change without a word', () => {
  const row = { ...ROW, track_tags: false }
  const changed = change({ eventTags: { floor: '2' } }, row)
  assert.deepEqual([changed?.tags, changed?.updates], [{ floor: '2' }, []])
  assert.deepEqual(change({ eventTags: { floor: '2' }, comment: 'x' }, row)?.updates, [{ ...ENTRY, comment: 'x' }])
})

test('a history has a hundred entries, the newest ones', () => {
  const full = { ...ROW, updates: Array.from({ length: 100 }, (_, n) => ({ ...ENTRY, comment: String(n) })) }
  const updates = change({ comment: 'the newest' }, full)?.updates ?? []
  assert.deepEqual([updates.length, updates[0]?.comment, updates.at(-1)?.comment], [100, '1', 'the newest'])
})

test('long entries push out more than one of the old ones, and never the newest', () => {
  const long = 'x'.repeat(100_000)
  const full = { ...ROW, updates: [1, 2, 3].map((n) => ({ ...ENTRY, comment: `${n}${long}` })) }
  const updates = change({ comment: long }, full)?.updates ?? []
  assert.deepEqual(
    updates.map(({ comment }) => comment?.[0]),
    ['3', 'x'],
  )
})
