/** What a device reports into what is stored: time, type, age and size of every value, as tables. */

import assert from 'node:assert/strict'
import test from 'node:test'
import type { AttributeType } from '../../contract/devices.ts'
import type { DeviceState } from '../../contract/states.ts'
import { prepareStates, type StateValue } from '../../server/stores/telemetry/states.ts'

const NOW = new Date('2026-03-01T12:00:00Z')
const DAY_MS = 86_400_000

/** The stored value of one attribute of this type, undefined when it is left out. */
function stored(type: AttributeType, value: StateValue): StateValue | undefined {
  const { kept } = prepareStates([{ name: 'a', dataType: type }], [{ data: { a: value } }], NOW, undefined)
  return kept[0]?.doc['a']
}

const values: [AttributeType, StateValue, StateValue | undefined][] = [
  ['number', 1.5, 1.5],
  ['number', '2e3', 2000],
  ['number', ' 7 ', 7],
  ['number', true, 1],
  ['number', '', undefined],
  ['number', ' ', undefined],
  ['number', 'n/a', undefined],
  ['number', 'Infinity', undefined],
  ['number', Number.NaN, undefined],
  ['number', Number.NEGATIVE_INFINITY, undefined],
  ['string', 'x', 'x'],
  ['string', '', ''],
  ['string', 5, '5'],
  ['string', false, 'false'],
  ['string', 'a\u0000b', 'ab'],
  ['string', 'a\uD800b', 'a\uFFFDb'],
  ['string', 'x'.repeat(64 * 1024), 'x'.repeat(64 * 1024)],
  ['string', 'x'.repeat(64 * 1024 + 1), undefined],
  ['string', 'é'.repeat(32 * 1024 + 1), undefined],
  ['blob', 'AAEC', 'AAEC'],
  ['blob', 'x'.repeat(256 * 1024), 'x'.repeat(256 * 1024)],
  ['blob', 'x'.repeat(256 * 1024 + 1), undefined],
  ['boolean', true, true],
  ['boolean', 0, false],
  ['boolean', -1, true],
  ['boolean', ' True ', true],
  ['boolean', '0', false],
  ['boolean', 'yes', undefined],
  ['boolean', '', undefined],
  ['gps', '52.5, 13.4', '52.5,13.4'],
  ['gps', '+52.50,-013.4', '52.5,-13.4'],
  ['gps', '90,180', '90,180'],
  ['gps', '-0,0', '0,0'],
  ['gps', '90.1,0', undefined],
  ['gps', '0,180.1', undefined],
  ['gps', '52.5', undefined],
  ['gps', '1,2,3', undefined],
  ['gps', '1e1,2', undefined],
  ['gps', 5, undefined],
]
test('a value is stored as its attribute’s type, or left out', () => {
  for (const [type, value, expected] of values) {
    assert.equal(stored(type, value), expected, `${type} ${JSON.stringify(value).slice(0, 40)}`)
  }
})

const times: [DeviceState['time'], number][] = [
  [undefined, NOW.getTime()],
  [1_570_549_199_451, 1_570_549_199_451],
  ['1570549199451', 1_570_549_199_451],
  [1_570_549_199, 1_570_549_199_000],
  [1_570_549_199.4514, 1_570_549_199_451],
  ['2019-10-08T15:39:59.451Z', 1_570_549_199_451],
  ['2019-10-08T17:39:59.451+02:00', 1_570_549_199_451],
  [{ $date: '2019-10-08T15:39:59.451Z' }, 1_570_549_199_451],
  [-60_000, NOW.getTime() - 60_000],
  [0, 0],
  ['whenever', NOW.getTime()],
  ['', NOW.getTime()],
  [Number.MAX_VALUE, NOW.getTime()],
]
test('the time of a state is understood in every format, and is now when it is none', () => {
  for (const [time, expected] of times) {
    const state = { data: { a: 1 }, ...(time === undefined ? {} : { time }) }
    const { kept } = prepareStates([{ name: 'a', dataType: 'number' }], [state], NOW, undefined)
    assert.equal(kept[0]?.ts, expected, JSON.stringify(time))
  }
})

test('only states of the window are kept, its edges included, and what is left out is counted', () => {
  const ages = [31 * DAY_MS, 30 * DAY_MS + 1, 30 * DAY_MS, 0, -DAY_MS, -DAY_MS - 1]
  const states = ages.map((age) => ({ time: NOW.getTime() - age, data: { a: age } }))
  const keptOf = (maxAgeMs: number | undefined) => {
    const { kept, ignored } = prepareStates([{ name: 'a', dataType: 'number' }], states, NOW, maxAgeMs)
    return [kept.map(({ doc }) => doc['a']), ignored]
  }
  assert.deepEqual(keptOf(30 * DAY_MS), [[30 * DAY_MS, 0, -DAY_MS], { tooOld: 2, tooFarAhead: 1 }])
  assert.deepEqual(keptOf(undefined), [ages.slice(0, -1), { tooFarAhead: 1 }])
})

test('what is left out of a state, and a state that nothing is left of, are counted by their reasons', () => {
  const attributes = [
    { name: 'a', dataType: 'number' as const },
    { name: 's', dataType: 'string' as const },
  ]
  const states = [
    { data: { a: 1, b: 2 } },
    { data: { b: 2, c: 3 } },
    { data: { a: 'x' } },
    { data: { s: 'x'.repeat(64 * 1024 + 1), a: 2 } },
    { data: {} },
  ]
  const { kept, ignored } = prepareStates(attributes, states, NOW, undefined)
  assert.deepEqual(
    kept.map(({ doc }) => doc),
    [{ a: 1 }, { a: 2 }],
  )
  assert.deepEqual(ignored, { undeclared: 3, empty: 3, unfit: 1, tooLong: 1 })
})

test('an attribute may be named like a property of objects, and is none of them unless it is declared', () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']
  const data: Record<string, number> = JSON.parse(`{${names.map((name, index) => `"${name}":${index}`)}}`)
  assert.deepEqual(prepareStates([{ name: 'a', dataType: 'number' }], [{ data }], NOW, undefined).kept, [])
  const attributes = names.map((name) => ({ name, dataType: 'number' as const }))
  const [state] = prepareStates(attributes, [{ data }], NOW, undefined).kept
  assert.deepEqual(Object.entries(state?.doc ?? {}), Object.entries(data))
  assert.equal(JSON.stringify(state?.doc), JSON.stringify(data))
})

test('texts of one state have so much room together, and what comes after is counted', () => {
  const names = Array.from({ length: 10 }, (_, index) => `a${index}`)
  const attributes = names.map((name) => ({ name, dataType: 'blob' as const }))
  const data = Object.fromEntries(names.map((name) => [name, 'x'.repeat(256 * 1024)]))
  const { kept, ignored } = prepareStates(attributes, [{ data }, { data }], NOW, undefined)
  assert.deepEqual(
    kept.map(({ doc }) => Object.keys(doc)),
    [names.slice(0, 8), names.slice(0, 8)],
  )
  assert.deepEqual(ignored, { tooLong: 4 })
})
