/** Reported states stored, merged, read back, and exported as CSV byte for byte. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import test from 'node:test'
import type { StateValue } from '../../server/stores/telemetry/states.ts'
import { type Doc, type History, openHistory } from '../support/history.ts'

const DEVICE = 'aaaaaaaaaaaaaaaaaaaaaaaa'
const OTHER = 'bbbbbbbbbbbbbbbbbbbbbbbb'
const OPEN = { newestFirst: false, limit: 100 }

const read = ({ telemetry, applicationId }: History, deviceId: string, rest: object = {}) =>
  telemetry.readStates({ applicationId, deviceId, ...OPEN, ...rest })

/** The CSV of both devices, over the first ten seconds unless said otherwise. */
const exported = (
  history: History,
  attributes: string[],
  rest: Partial<{ deviceIds: string[]; from: number; to: number }> = {},
) => history.exported({ deviceIds: [OTHER, DEVICE], from: 0, to: 10_000, attributes, ...rest })

test('reports of the same millisecond are one state, the last write of an attribute wins', async (t) => {
  const history = await openHistory(t)
  await history.append(DEVICE, [5, { a: 1, b: 'x' }], [5, { a: 2 }], [6, { a: 9 }])
  await history.append(DEVICE, [5, { c: true }], [5, { a: 3 }])
  await history.append(OTHER, [5, { a: 'another device' }])
  assert.deepEqual(await read(history, DEVICE), [
    { ts: 5, doc: { a: 3, b: 'x', c: true } },
    { ts: 6, doc: { a: 9 } },
  ])
  assert.equal(
    await exported(history, ['a', 'b', 'c'], { deviceIds: [DEVICE] }),
    `ID,Timestamp,a,b,c
${DEVICE},5,3,x,1
${DEVICE},6,9,,
`,
  )
})

test('a range starts with its first millisecond and ends before its last', async (t) => {
  const history = await openHistory(t)
  await history.append(DEVICE, ...[1, 2, 3, 4].map((ts): [number, Doc] => [ts, { a: ts }]))
  const times = async (from: number | undefined, to: number | undefined, newestFirst = false, limit = 100) =>
    (await read(history, DEVICE, { from, to, newestFirst, limit })).map(({ ts }) => ts)
  assert.deepEqual(await times(2, 4), [2, 3])
  assert.deepEqual(await times(undefined, 3), [1, 2])
  assert.deepEqual(await times(3, undefined, true), [4, 3])
  assert.deepEqual(await times(undefined, undefined, true, 1), [4])
  const rows = async (from: number, to: number) =>
    (await exported(history, ['a'], { from, to }))
      .split('\n')
      .slice(1, -1)
      .map((line) => line.split(',')[1])
  assert.deepEqual(await rows(2, 4), ['2', '3'])
  assert.deepEqual(await rows(1.5, 3.5), ['2', '3'])
  assert.deepEqual(await rows(-1e300, 1e300), ['1', '2', '3', '4'])
  assert.deepEqual(await rows(4, 2), [])
})

test('what one device reported is deleted without the others', async (t) => {
  const history = await openHistory(t)
  await history.append(DEVICE, [1, { a: 1 }])
  await history.append(OTHER, [1, { a: 1 }])
  await history.telemetry.forget(history.db, history.applicationId, [DEVICE])
  assert.deepEqual([await read(history, DEVICE), (await read(history, OTHER)).length], [[], 1])
})

const cells: [string, StateValue, string][] = [
  ['a number', 0.1, '0.1'],
  ['a large number', 1e21, '1e+21'],
  ['a small number', -1.5e-7, '-1.5e-07'],
  ['true', true, '1'],
  ['false', false, '0'],
  ['text', 'plain text', 'plain text'],
  ['text with spaces around', ' a ', ' a '],
  ['a comma', '52.5,13.4', '"52.5,13.4"'],
  ['quotes', 'say "hi"', '"say ""hi"""'],
  ['a newline', 'a\nb', '"a\nb"'],
  ['a carriage return', 'a\rb', '"a\rb"'],
  ['empty text', '', '""'],
  ['a backslash', 'a\\b', 'a\\b'],
  ['text that means null to COPY', '\\N', '\\N'],
  ['text beyond ASCII', 'κόσμε 🌍', 'κόσμε 🌍'],
]
test('every value is a cell of its own form', async (t) => {
  const history = await openHistory(t)
  for (const [index, [, value]] of cells.entries()) await history.append(DEVICE, [index, { a: value }])
  const expected = cells.map(([, , cell], index) => `${DEVICE},${index},${cell}\n`)
  assert.equal(await exported(history, ['a']), `ID,Timestamp,a\n${expected.join('')}`)
})

test('every attribute asked for is a column, in that order, though nothing was reported', async (t) => {
  const history = await openHistory(t)
  assert.equal(await exported(history, ['b', 'a']), 'ID,Timestamp,b,a\n')
  assert.equal(await exported(history, []), 'ID,Timestamp\n')
  assert.equal(await exported(history, ['a'], { deviceIds: [] }), 'ID,Timestamp,a\n')
  await history.append(DEVICE, [1, { a: 1, c: 3 }], [2, { c: 3 }])
  assert.equal(await exported(history, ['b', 'a']), `ID,Timestamp,b,a\n${DEVICE},1,,1\n`)
})

test('rows are sorted by device and time, whatever the attributes are called', async (t) => {
  const names = [
    'ts',
    'device_id',
    'doc',
    'seq',
    'merged',
    'ID',
    'Timestamp',
    'constructor',
    '__proto__',
    'x-y',
    '1',
    'a,"b',
  ]
  const history = await openHistory(t)
  const values = (start: number): Doc => Object.fromEntries(names.map((name, index) => [name, start - index]))
  await history.append(OTHER, [3, values(1)], [20, values(5)])
  await history.append(DEVICE, [100, values(1)], [3, values(9)])
  const line = (device: string, ts: number, start: number) =>
    `${device},${ts},${names.map((_, index) => start - index).join(',')}\n`
  assert.equal(
    await exported(history, names),
    `ID,Timestamp,${names.slice(0, -1).join(',')},"a,""b"\n` +
      line(DEVICE, 3, 9) +
      line(DEVICE, 100, 1) +
      line(OTHER, 3, 1) +
      line(OTHER, 20, 5),
  )
})

test('names as long as the contract allows keep all their letters, and 1,500 attributes fit', async (t) => {
  const history = await openHistory(t)
  const long = ['a', 'b'].map((end) => `${'long'.repeat(63)}-${end}`)
  await history.append(DEVICE, [1, { [long[0] ?? '']: 1, [long[1] ?? '']: 2 }])
  assert.equal(await exported(history, long), `ID,Timestamp,${long.join(',')}\n${DEVICE},1,1,2\n`)
  const many = Array.from({ length: 1500 }, (_, index) => `attribute-${index}`)
  assert.equal(await exported(history, many), `ID,Timestamp,${many.join(',')}\n`)
})

test('an export that is stopped rejects and gives its session back', async (t) => {
  const history = await openHistory(t)
  const { db, folder, telemetry, applicationId } = history
  const file = join(folder, 'states.csv')
  const wanted = { applicationId, deviceIds: [DEVICE], attributes: ['a'], from: 0, to: 10 }
  await assert.rejects(telemetry.exportStates(wanted, file, AbortSignal.abort()))
  const copying = `select from pg_stat_activity where datname = current_database() and query like 'copy%'`
  while ((await db.query(copying)).length > 0);
})

test('questions see merged states, an attribute of several types by the type of each value', async (t) => {
  const history = await openHistory(t)
  const { telemetry, applicationId } = history
  await history.append(DEVICE, [1, { a: 1, T: 'x' }], [1, { a: 'now "text"' }], [2, { a: 2.5 }], [3, { a: true, t: 4 }])
  await history.append(OTHER, [2, { a: 7, b: 1 }], [5, { b: 1 }])
  const slice = { applicationId, deviceIds: [OTHER, DEVICE], attributes: ['a', 'T', 't'], from: 0, to: 10 }
  const all = await telemetry.query(slice, ({ rows, value }) => {
    const [a, upper, lower] = [value('a'), value('T'), value('t')]
    return `select device_id, ts, ${a.number} as n, ${a.text} as s, ${a.boolean} as b, ${upper.text} as up,
      ${lower.number} as low from ${rows} order by device_id, ts`
  })
  const row = { device_id: DEVICE, ts: 0, n: null, s: null, b: null, up: null, low: null }
  assert.deepEqual(all, [
    { ...row, ts: 1, s: 'now "text"', up: 'x' },
    { ...row, ts: 2, n: 2.5 },
    { ...row, ts: 3, b: true, low: 4 },
    { ...row, device_id: OTHER, ts: 2, n: 7 },
  ])
  const none = { ...slice, attributes: ['never', 'reported'] }
  assert.deepEqual(await telemetry.query(none, ({ rows }) => `select count(*) as n from ${rows}`), [{ n: 0 }])
})
