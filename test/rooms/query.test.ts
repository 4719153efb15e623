/** The query language against PostgreSQL: random queries select what a naive reading of them selects. */

import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { knownFields } from '../../server/query/fields.ts'
import { tagListField, tagMapField } from '../../server/query/tags.ts'
import { translateQuery } from '../../server/query/translate.ts'
import type { Queryable } from '../../server/stores/postgres/database.ts'
import { openEmptyDatabase } from '../support/postgres.ts'
import { docs, queries } from '../support/query-chance.ts'
import { type Doc, matches } from '../support/query-model.ts'

const FIELDS = knownFields({
  s: { sql: 's', type: 'string' },
  n: { sql: 'n', type: 'number' },
  b: { sql: 'b', type: 'boolean' },
  t: { sql: 't', type: 'time' },
  ref: { sql: 'ref', type: 'id' },
  many: { each: 'unnest(many) as item', sql: 'item', type: 'string' },
  tags: tagListField('tags'),
  map: tagMapField('map'),
})

const SHAPE = 'id int, s text, n float8, b boolean, t timestamptz, ref text, many text[], tags jsonb, map jsonb'

/** Stored times lie somewhere within their millisecond, as those of the service do. */
async function fill(db: Queryable, documents: readonly Doc[]): Promise<void> {
  await db.query('truncate docs')
  await db.query(
    `insert into docs select id, s, n, b, t + (id % 2) * interval '999 microseconds', ref, many, tags, map
     from jsonb_to_recordset($1) as given (${SHAPE})`,
    [JSON.stringify(documents.map(({ t, ...doc }) => ({ ...doc, t: t === null ? null : new Date(t) })))],
  )
}

async function select(db: Queryable, query: unknown): Promise<number[]> {
  const values: unknown[] = ['kept']
  const condition = translateQuery(query, FIELDS, values)
  const rows = await db.query<{ id: number }>(
    `select id from docs where $1::text = 'kept' and ${condition} order by id`,
    values,
  )
  return rows.map(({ id }) => id)
}

test('a query selects the documents that a naive reading of it selects', async (t) => {
  const db = await openEmptyDatabase(t)
  await db.query(`create table docs (${SHAPE})`)
  let [some, none] = [0, 0]
  const property = fc.asyncProperty(
    docs,
    fc.array(queries, { minLength: 8, maxLength: 8 }),
    async (documents, asked) => {
      await fill(db, documents)
      for (const query of asked) {
        const expected = documents.filter((doc) => matches(doc, query)).map(({ id }) => id)
        assert.deepEqual(await select(db, query), expected, JSON.stringify(query))
        if (expected.length > 0 && expected.length < documents.length) some += 1
        else none += 1
      }
    },
  )
  await fc.assert(property, { numRuns: 300 })
  // A comparison of everything with everything, or of nothing with nothing, would prove little.
  assert.ok(some > 400, `${some} of ${some + none} queries divided the documents`)
})

test('what a caller writes never becomes SQL', async (t) => {
  const db = await openEmptyDatabase(t)
  await db.query(`create table docs (${SHAPE})`)
  const evil = `x'); drop table docs; --`
  await fill(db, [{ id: 1, s: evil, n: null, b: null, t: null, ref: null, many: [evil], tags: [], map: { a: evil } }])
  for (const query of [
    { s: evil },
    { s: { $in: [evil] } },
    { s: { $contains: evil } },
    { many: evil },
    { map: { a: evil } },
  ]) {
    assert.deepEqual(await select(db, query), [1], JSON.stringify(query))
  }
})
