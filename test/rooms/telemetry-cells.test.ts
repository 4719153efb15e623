/** Cells of exported states: every odd value is written as `csv_cell` writes it, whatever shortcut the export takes. */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import fc from 'fast-check'
import { appendStates } from '../../server/stores/telemetry/hot.ts'
import type { StateValue } from '../../server/stores/telemetry/states.ts'
import { makeTelemetry } from '../support/history.ts'
import { makeApplication, makeFolder } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

const DEVICE = 'aaaaaaaaaaaaaaaaaaaaaaaa'

const ODD: StateValue[] = [
  0,
  -0,
  1,
  -1,
  10,
  100,
  1.5,
  -1.5,
  0.1,
  0.0001,
  0.00009999,
  -0.00001,
  1e-7,
  123456789012345,
  1234567890123456,
  1e15,
  1e16,
  12345678901234568,
  1e21,
  -1e22,
  1e300,
  5e-324,
  0.1 + 0.2,
  66.66666666666667,
  123456789012345.67,
  1e15 + 0.5,
  true,
  false,
  'true',
  'false',
  '',
  '0',
  '1.50',
  '0.00001',
  '1e5',
  'a,b',
  'a "b"',
  'two\nlines',
  'x'.repeat(50),
  'ü.0',
]

test('a value is written as csv_cell says, and as JavaScript reads it back', async (t) => {
  const db = await openTestDatabase(t, { poolSize: 8 })
  const { telemetry } = await makeTelemetry(t, db)
  const { id: applicationId } = await makeApplication(db)
  const random = fc.sample(
    fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.string()),
    500,
  )
  const values = [...ODD, ...random].map((value) =>
    typeof value === 'string' ? value.replaceAll('\u0000', '').toWellFormed() : value,
  )
  await appendStates(
    db,
    applicationId,
    DEVICE,
    values.map((v, ts) => ({ ts: ts + 1, doc: { v } })),
  )
  const file = join(await makeFolder(t), 'cells.csv')
  const wanted = { applicationId, deviceIds: [DEVICE], attributes: ['v'], from: 0, to: 10_000 }
  await telemetry.exportStates(wanted, file, new AbortController().signal)
  const expected = await db.query<{ line: string }>(
    `select concat_ws(',', device_id, ts, case when cell ~ '[",\\n\\r]' or cell = '' then '"' || replace(cell, '"', '""') || '"' else cell end) as line
     from (select device_id, ts, csv_cell(doc -> 'v') as cell from hot_states) rows order by ts`,
  )
  assert.equal(await readFile(file, 'utf8'), `ID,Timestamp,v\n${expected.map(({ line }) => `${line}\n`).join('')}`)
  const numbers = values.flatMap((value, index) =>
    typeof value === 'number' ? [[value, expected[index]?.line.split(',')[2]] as const] : [],
  )
  for (const [value, cell] of numbers) assert.equal(Number(cell), value === 0 ? 0 : value)
})
