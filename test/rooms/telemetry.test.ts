/** Reported states stored, merged, read back, and exported as CSV byte for byte. */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { newId } from '../../server/ground/ids.ts'
import type { Database } from '../../server/stores/postgres/database.ts'
import { appendStates, deleteStates, exportStates, readStates } from '../../server/stores/telemetry/hot.ts'
import type { StateValue } from '../../server/stores/telemetry/states.ts'
import { makeFolder } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

const DEVICE = 'aaaaaaaaaaaaaaaaaaaaaaaa'
const OTHER = 'bbbbbbbbbbbbbbbbbbbbbbbb'
const OPEN = { from: undefined, to: undefined, newestFirst: false, limit: 100 }

type Doc = Record<string, StateValue>
const append = (db: Database, deviceId: string, ...states: [number, Doc][]) =>
  appendStates(
    db,
    newId(),
    deviceId,
    states.map(([ts, doc]) => ({ ts, doc })),
  )

/** The CSV of an export, over all times and these two devices unless said otherwise. */
async function exported(
  t: TestContext,
  db: Database,
  attributes: string[],
  rest: Partial<{ deviceIds: string[]; from: number; to: number }> = {},
): Promise<string> {
  const file = join(await makeFolder(t), 'states.csv')
  const wanted = { deviceIds: [OTHER, DEVICE], from: 0, to: 10_000, attributes, ...rest }
  await exportStates(db, wanted, file, new AbortController().signal)
  return readFile(file, 'utf8')
}

test('reports of the same millisecond are one state, the last write of an attribute wins', async (t) => {
  const db = await openTestDatabase(t)
  await append(db, DEVICE, [5, { a: 1, b: 'x' }], [5, { a: 2 }], [6, { a: 9 }])
  await append(db, DEVICE, [5, { c: true }], [5, { a: 3 }])
  await append(db, OTHER, [5, { a: 'another device' }])
  assert.deepEqual(await readStates(db, DEVICE, OPEN), [
    { ts: 5, doc: { a: 3, b: 'x', c: true } },
    { ts: 6, doc: { a: 9 } },
  ])
  assert.equal(
    await exported(t, db, ['a', 'b', 'c'], { deviceIds: [DEVICE] }),
    `ID,Timestamp,a,b,c
${DEVICE},5,3,x,1
${DEVICE},6,9,,
`,
  )
})

test('a range starts with its first millisecond and ends before its last', async (t) => {
  const db = await openTestDatabase(t)
  await append(db, DEVICE, ...[1, 2, 3, 4].map((ts): [number, Doc] => [ts, { a: ts }]))
  const read = async (from: number | undefined, to: number | undefined, newestFirst = false, limit = 100) =>
    (await readStates(db, DEVICE, { from, to, newestFirst, limit })).map(({ ts }) => ts)
  assert.deepEqual(await read(2, 4), [2, 3])
  assert.deepEqual(await read(undefined, 3), [1, 2])
  assert.deepEqual(await read(3, undefined, true), [4, 3])
  assert.deepEqual(await read(undefined, undefined, true, 1), [4])
  const rows = async (from: number, to: number) =>
    (await exported(t, db, ['a'], { from, to }))
      .split('\n')
      .slice(1, -1)
      .map((line) => line.split(',')[1])
  assert.deepEqual(await rows(2, 4), ['2', '3'])
  assert.deepEqual(await rows(1.5, 3.5), ['2', '3'])
  assert.deepEqual(await rows(-1e300, 1e300), ['1', '2', '3', '4'])
  assert.deepEqual(await rows(4, 2), [])
})

test('what one device reported is deleted without the others', async (t) => {
  const db = await openTestDatabase(t)
  await append(db, DEVICE, [1, { a: 1 }])
  await append(db, OTHER, [1, { a: 1 }])
  await deleteStates(db, DEVICE)
  assert.deepEqual([await readStates(db, DEVICE, OPEN), (await readStates(db, OTHER, OPEN)).length], [[], 1])
})

const cells: [string, StateValue, string][] = [
  ['a number', 0.1, '0.1'],
  ['a large number', 1e21, '1000000000000000000000'],
  ['a small number', -1.5e-7, '-0.00000015'],
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
  const db = await openTestDatabase(t)
  for (const [index, [, value]] of cells.entries()) await append(db, DEVICE, [index, { a: value }])
  const expected = cells.map(([, , cell], index) => `${DEVICE},${index},${cell}\n`)
  assert.equal(await exported(t, db, ['a']), `ID,Timestamp,a\n${expected.join('')}`)
})

test('every attribute asked for is a column, in that order, though nothing was reported', async (t) => {
  const db = await openTestDatabase(t)
  assert.equal(await exported(t, db, ['b', 'a']), 'ID,Timestamp,b,a\n')
  assert.equal(await exported(t, db, []), 'ID,Timestamp\n')
  assert.equal(await exported(t, db, ['a'], { deviceIds: [] }), 'ID,Timestamp,a\n')
  await append(db, DEVICE, [1, { a: 1, c: 3 }], [2, { c: 3 }])
  assert.equal(await exported(t, db, ['b', 'a']), `ID,Timestamp,b,a\n${DEVICE},1,,1\n`)
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
  const db = await openTestDatabase(t)
  const values = (start: number): Doc => Object.fromEntries(names.map((name, index) => [name, start - index]))
  await append(db, OTHER, [3, values(1)], [20, values(5)])
  await append(db, DEVICE, [100, values(1)], [3, values(9)])
  const line = (device: string, ts: number, start: number) =>
    `${device},${ts},${names.map((_, index) => start - index).join(',')}\n`
  assert.equal(
    await exported(t, db, names),
    `ID,Timestamp,${names.slice(0, -1).join(',')},"a,""b"\n` +
      line(DEVICE, 3, 9) +
      line(DEVICE, 100, 1) +
      line(OTHER, 3, 1) +
      line(OTHER, 20, 5),
  )
})

test('names as long as the contract allows keep all their letters, and 1,500 attributes fit', async (t) => {
  const db = await openTestDatabase(t)
  const long = ['a', 'b'].map((end) => `${'long'.repeat(63)}-${end}`)
  await append(db, DEVICE, [1, { [long[0] ?? '']: 1, [long[1] ?? '']: 2 }])
  assert.equal(await exported(t, db, long), `ID,Timestamp,${long.join(',')}\n${DEVICE},1,1,2\n`)
  const many = Array.from({ length: 1500 }, (_, index) => `attribute-${index}`)
  assert.equal(await exported(t, db, many), `ID,Timestamp,${many.join(',')}\n`)
})

test('an export that is stopped rejects and gives its session back', async (t) => {
  const db = await openTestDatabase(t)
  const file = join(await makeFolder(t), 'states.csv')
  const wanted = { deviceIds: [DEVICE], attributes: ['a'], from: 0, to: 10 }
  await assert.rejects(exportStates(db, wanted, file, AbortSignal.abort()))
  const copying = `select from pg_stat_activity where datname = current_database() and query like 'copy%'`
  while ((await db.query(copying)).length > 0);
})
