/**
 * Telemetry against a naive model: random interleavings of reports, late ones, duplicates, changes of type, deletions,
 * retention, seals, compactions and reads. HISTORY_RUNS sets how many, HISTORY_SEED repeats one.
 */

import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { literal } from '../../server/stores/duckdb/sql.ts'
import { forgetAttributes } from '../../server/stores/telemetry/forget-attributes.ts'
import { type Doc, type History, historyOf, openHistory } from '../support/history.ts'
import { ATTRIBUTES, type Command, commands, DEVICES, Model, type Range, textOf } from '../support/history-model.ts'
import { makeApplication } from '../support/make.ts'

const RUNS = Number(process.env['HISTORY_RUNS'] ?? 12)
const SEED = process.env['HISTORY_SEED']
const never = new AbortController().signal

/** Small numbers of everything, so that a few reports already are several passes, files and runs. */
const TENDING = { graceMs: 0, passRows: 3, fileRows: 2, fewestRuns: 3, fullRows: 12 }
/** Exports of a few reports in several parts, and without sorting where the files are in order. */
const SORTING = { mostRows: 4, fewRows: 2 }

test('whatever is done, telemetry and the model say the same', { timeout: 3_600_000 }, async (t) => {
  let model = new Model()
  const history = await openHistory(t, { now: () => new Date(model.now), sorting: SORTING })
  const property = fc.asyncProperty(commands, async (todo) => {
    model = new Model()
    const { id: applicationId } = await makeApplication(history.db)
    const own = historyOf(history, applicationId)
    for (const command of todo) await perform(own, model, command)
    await compare(own, model, { devices: DEVICES, attributes: ATTRIBUTES, range: {} })
    await perform(own, model, { kind: 'compact' })
    await compare(own, model, { devices: DEVICES, attributes: ATTRIBUTES, range: {} })
    await compareStates(own, model)
    await compareParquet(own, model)
  })
  await fc.assert(property, { numRuns: RUNS, ...(SEED === undefined ? {} : { seed: Number(SEED) }) })
})

async function perform(history: History, model: Model, command: Command): Promise<void> {
  const { db, telemetry, applicationId } = history
  switch (command.kind) {
    case 'write':
      await history.append(command.device, ...command.reports)
      return model.write(command.device, command.reports)
    case 'forget':
      await db.transaction((tx) => telemetry.forget(tx, applicationId, command.devices, command.range))
      return model.forget(command.devices, command.range)
    case 'forgetAttributes':
      await db.transaction((tx) => forgetAttributes(tx, applicationId, command.device, command.attributes))
      return model.forgetAttributes(command.device, command.attributes)
    case 'retention':
      await db.transaction((tx) => telemetry.setRetention(tx, applicationId, command.ms))
      return model.setRetention(command.ms)
    case 'wait':
      model.now += command.ms
      return
    case 'seal':
      assert.ok(await telemetry.sealNow(applicationId, never, { ...TENDING, fewestRuns: 1000 }))
      return
    case 'compact':
      assert.ok(await telemetry.sealNow(applicationId, never, TENDING))
      return
    case 'read':
      return compare(history, model, command)
  }
}

interface Wanted {
  readonly devices: readonly string[]
  readonly attributes: readonly string[]
  readonly range: Range
}

async function compare(history: History, model: Model, { devices, attributes, range }: Wanted): Promise<void> {
  assert.equal(
    await history.exported({ deviceIds: devices, attributes, ...range }),
    model.csv(devices, attributes, range),
  )
}

/** Lists of one device from both ends, and the same states as rows of a question. */
async function compareStates({ telemetry, applicationId }: History, model: Model): Promise<void> {
  for (const deviceId of DEVICES) {
    const expected = model.read([deviceId], ATTRIBUTES, {}).map(([, ts, doc]) => ({ ts, doc }))
    const read = (newestFirst: boolean, limit: number) =>
      telemetry.readStates({ applicationId, deviceId, newestFirst, limit })
    assert.deepEqual(await read(false, 1000), expected)
    assert.deepEqual(await read(true, 2), expected.toReversed().slice(0, 2))
  }
  const slice = { applicationId, deviceIds: DEVICES, attributes: ATTRIBUTES }
  const rows = await telemetry.query<Record<string, string | number>>(slice, ({ rows: from, value }) => {
    const columns = ATTRIBUTES.flatMap((name, index) =>
      Object.entries(value(name)).map(([kind, column]) => `${column} as ${kind}${index}`),
    )
    return `select device_id, ts, ${columns.join(', ')} from ${from} order by device_id, ts`
  })
  const found = rows.map((row) => [row['device_id'], row['ts'], docOf(row)])
  assert.deepEqual(found, model.read(DEVICES, ATTRIBUTES, {}))
}

function docOf(row: Record<string, string | number | boolean | null>): Doc {
  const values = ATTRIBUTES.flatMap((name, index) =>
    ['number', 'text', 'boolean'].flatMap((kind): [string, Doc[string]][] => {
      const value = row[`${kind}${index}`]
      return value === null || value === undefined ? [] : [[name, value]]
    }),
  )
  return Object.fromEntries(values)
}

/** Parquet has the rows of the CSV; an attribute of one kind has its type, one of several the texts. */
async function compareParquet({ telemetry, duckdb, applicationId, folder }: History, model: Model): Promise<void> {
  const file = `${folder}/twin.parquet`
  const attributes = ['a', 'b']
  await telemetry.exportStates({ applicationId, deviceIds: DEVICES, attributes, format: 'parquet' }, file, never)
  const rows = await duckdb.session(never, (duck) =>
    duck.rows<Record<string, Doc[string] | null>>(`select * from read_parquet(${literal(file)})`),
  )
  const expected = model.read(DEVICES, attributes, {})
  const kinds = new Map(
    attributes.map((name) => [name, new Set(expected.flatMap(([, , doc]) => typeof (doc[name] ?? [])))]),
  )
  const typed = (name: string, value: Doc[string] | undefined) => {
    kinds.get(name)?.delete('object')
    if (value === undefined) return null
    return kinds.get(name)?.size === 1 ? value : textOf(value)
  }
  const want = expected.map(([ID, Timestamp, doc]) => ({
    ID,
    Timestamp,
    a: typed('a', doc['a']),
    b: typed('b', doc['b']),
  }))
  assert.deepEqual(rows.map(texts), want.map(texts))
  // What was forgotten or has changed its type may have left its kind behind in the catalogue: then all are texts.
  for (const [index, row] of rows.entries()) {
    for (const name of ['a', 'b'] as const) {
      const value = row[name]
      if (typeof value === 'number' || typeof value === 'boolean') assert.equal(value, want[index]?.[name])
    }
  }
}

const texts = (row: Record<string, Doc[string] | null>) =>
  Object.entries(row).map(([name, value]) => [name, value === null ? null : textOf(value)])
