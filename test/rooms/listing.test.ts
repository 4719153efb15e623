/** Lists: pages that together are everything once, orders that hold, filters that are text and not patterns. */

import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { listDevices } from '../../server/catalog/devices.ts'
import { listPage, wholeNumber } from '../../server/catalog/listing.ts'
import { globToLike, matchesGlob } from '../../server/ground/glob.ts'
import { makeApplication, makeDevice } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

test('pages together are everything once, also where names are the same', async (t) => {
  const db = await openTestDatabase(t)
  const { id: applicationId } = await makeApplication(db)
  for (let index = 0; index < 25; index += 1) await makeDevice(db, { applicationId, name: `same ${index % 2}` })
  await makeDevice(db, { name: 'of another application' })
  for (const sortDirection of ['asc', 'DESC']) {
    const pages = await Promise.all(
      [0, 1, 2, 3].map((page) => listDevices(db, applicationId, { page: String(page), perPage: '10', sortDirection })),
    )
    assert.deepEqual(
      pages.map(({ count, totalCount }) => [count, totalCount]),
      [10, 10, 5, 0].map((count) => [count, 25]),
    )
    const names = pages.flatMap(({ items }) => items.map(({ name }) => name))
    assert.deepEqual(names, sortDirection === 'asc' ? names.toSorted() : names.toSorted().reverse())
    assert.equal(new Set(pages.flatMap(({ items }) => items.map(({ id }) => id))).size, 25)
  }
})

const filters: [string, string[]][] = [
  ['pump', ['Pump']],
  ['PUMP*', ['Pump', 'pump_1', 'pumpA1']],
  ['pump_1', ['pump_1']],
  ['pump?1', ['pump_1', 'pumpA1']],
  ['*%', ['50%']],
  ['50%', ['50%']],
  ['a\\b', ['a\\b']],
  ['*1', ['pump_1', 'pumpA1']],
  ["x' or '1'='1", []],
  ['', ['50%', 'Pump', 'a\\b', 'pumpA1', 'pump_1']],
  ['  ', ['50%', 'Pump', 'a\\b', 'pumpA1', 'pump_1']],
]
test('a filter matches whole names in any case, stars and question marks being wild', async (t) => {
  const db = await openTestDatabase(t)
  const { id: applicationId } = await makeApplication(db)
  for (const name of ['Pump', 'pump_1', 'pumpA1', '50%', 'a\\b']) await makeDevice(db, { applicationId, name })
  for (const [filter, expected] of filters) {
    const page = await listDevices(db, applicationId, { filter })
    assert.deepEqual(page.items.map(({ name }) => name).sort(), expected.toSorted(), filter)
    assert.equal(page.totalCount, expected.length)
    assert.deepEqual([page.filter, page.filterField], filter.trim() ? [filter, 'name'] : [undefined, undefined])
  }
})

const letter = fc.constantFrom('a', 'A', 'b', 'ä', '*', '*', '?', '%', '_', '\\', '😀', ' ')
const some = (maxLength: number) => fc.string({ unit: letter, maxLength })

test('the database and we are of one mind about patterns', async (t) => {
  const db = await openTestDatabase(t)
  const cases = fc.sample(fc.tuple(some(8), some(8)), { numRuns: 4000, seed: 7 })
  const rows = await db.query<{ matches: boolean }>(
    `select lower(name) like lower(pattern) as matches
     from unnest($1::text[], $2::text[]) with ordinality as t (pattern, name, n) order by n`,
    [cases.map(([glob]) => globToLike(glob)), cases.map(([, name]) => name)],
  )
  assert.deepEqual(
    cases.filter(([glob, name], index) => matchesGlob(glob, name) !== rows[index]?.matches),
    [],
  )
  assert.ok(rows.filter(({ matches }) => matches).length > 200)
})

test('patterns that are made to take for ever do not', async (t) => {
  const db = await openTestDatabase(t)
  const { id: applicationId } = await makeApplication(db)
  for (let index = 0; index < 50; index += 1) await makeDevice(db, { applicationId, name: 'a'.repeat(255) })
  // Each would take longer than the universe if every star were tried at every place of the text.
  for (const filter of [`${'*a'.repeat(127)}b`, `${'a*'.repeat(127)}b`, '*?'.repeat(127), `${'*'.repeat(254)}b`]) {
    const page = await listDevices(db, applicationId, { filter })
    assert.equal(page.totalCount, filter.endsWith('b') ? 0 : 50, filter.slice(0, 10))
  }
  const [glob, text] = ['*a'.repeat(20_000), 'a'.repeat(20_000)]
  assert.deepEqual([matchesGlob(glob, text), matchesGlob(`${glob}b`, text)], [true, false])
})

test('what is asked for in a way that makes no sense is answered with the defaults', async (t) => {
  const db = await openTestDatabase(t)
  const { applicationId } = await makeDevice(db)
  const source = {
    from: 'devices where application_id = $1',
    values: [applicationId],
    sort: { name: 'name', id: 'id' },
    defaultSort: 'name',
  }
  const page = (query: object) => listPage(db, source, query, () => 1)
  const defaults = {
    items: [1],
    count: 1,
    totalCount: 1,
    perPage: 100,
    page: 0,
    sortField: 'name',
    sortDirection: 'asc',
  }
  for (const query of [
    {},
    { sortField: 'nothing', sortDirection: 'sideways', page: 'x', perPage: '' },
    { sortField: 'constructor' },
    { sortField: '__proto__', page: 'Infinity', perPage: 'NaN' },
    { sortField: 'name; drop table devices', page: '-5' },
  ]) {
    assert.deepEqual(await page(query), defaults, JSON.stringify(query))
  }
  assert.equal((await page({ perPage: '1000000' })).perPage, 1000)
  assert.equal((await page({ perPage: '0' })).perPage, 1)
  assert.equal((await page({ page: '1e30' })).page, 1_000_000)
})

test('a whole number is read from text, rounded down and kept in its range', () => {
  const table: [string | undefined, number][] = [
    [undefined, 5],
    ['', 5],
    [' ', 5],
    ['x', 5],
    ['3', 3],
    [' 7.9 ', 7],
    ['-1', 1],
    ['11', 10],
    ['1e1', 10],
    ['Infinity', 5],
  ]
  for (const [text, expected] of table) assert.equal(wholeNumber(text, 5, 1, 10), expected, String(text))
})
