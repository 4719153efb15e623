/** Requests about devices that nobody would write: each is answered or refused with the field at fault, none is a bug of ours. */

import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { openDoor } from '../support/door.ts'

const SCALAR = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom('0'.repeat(24), '2026-01-01', '1e400', '\u0000', '%', '__proto__', '\ud800'),
)
const FIELD = fc.constantFrom(
  'id',
  'name',
  'tags',
  'attributeName',
  'ancestorId',
  'parentId',
  'connectionStatus',
  'connectedAt',
  'creationDate',
  'deletedAt',
  'deviceClass',
  'experienceUserId',
  '$and',
  '$or',
  '$nor',
  'constructor',
  'colour',
)
const OPERATOR = fc.constantFrom(
  '$eq',
  '$ne',
  '$gt',
  '$lte',
  '$in',
  '$nin',
  '$startsWith',
  '$contains',
  '$ci',
  '$tagKey',
  '$tagValue',
  '$x',
)
const { query } = fc.letrec((tie) => ({
  query: fc.dictionary(FIELD, tie('value'), { maxKeys: 3 }),
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    SCALAR,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(OPERATOR, tie('value'), { maxKeys: 2 }),
    tie('query'),
  ),
}))

const PARAMETER = fc.constantFrom(
  'query',
  'tagFilter',
  'tagFilter[0][key]',
  'tagFilter[1][value]',
  'tagFilter[key]',
  'deviceClass',
  'deviceClass[0]',
  'deviceClass[x]',
  'dataType',
  'startsWith',
  'key',
  'parentId',
  'filter',
  'filterField',
  'sortField',
  'sortDirection',
  'page',
  'perPage',
  'queryDeleted',
  'tagsAsObject',
)
const WORD = fc.oneof(
  fc.string(),
  fc.constantFrom(
    'name',
    'floor',
    'true',
    'connectionStatus',
    'desc',
    'gateway',
    '[]',
    '[{"key":"a"}]',
    '{}',
    '-1',
    '1e9',
    'null',
  ),
  query.map((value) => JSON.stringify(value)),
)

test('whatever is asked of lists and words of devices is answered or refused', async (t) => {
  const { ask, application } = await openDoor(t)
  const devices = `/applications/${application.id}/devices`
  for (const name of ['a', 'b']) {
    const made = await ask('POST', devices, {
      name,
      tags: [{ key: 'floor', value: name }],
      attributes: [{ name, dataType: 'number' }],
    })
    assert.equal(made.status, 201)
  }
  const path = fc.constantFrom('', '/attributeNames', '/deviceNames', '/tagKeys', '/tagValues')
  await fc.assert(
    fc.asyncProperty(path, fc.array(fc.tuple(PARAMETER, WORD), { maxLength: 4 }), async (where, parameters) => {
      const { status, text } = await ask('GET', `${devices}${where}?${new URLSearchParams(parameters)}`)
      assert.ok(status === 200 || status === 400, `${status} ${text}`)
    }),
    { numRuns: 300 },
  )
})

const BODY = fc.dictionary(
  fc.constantFrom(
    'name',
    'description',
    'tags',
    'attributes',
    'deviceClass',
    'gatewayId',
    'parentId',
    'systemInterval',
    'query',
    'forceJob',
    'x',
  ),
  fc.oneof(
    SCALAR,
    query,
    fc.array(fc.dictionary(fc.constantFrom('key', 'value', 'name', 'dataType', 'system'), SCALAR), { maxLength: 3 }),
  ),
  { maxKeys: 4 },
)

test('whatever is told of devices is taken or refused', async (t) => {
  const { ask, application } = await openDoor(t)
  const devices = `/applications/${application.id}/devices`
  const path = fc.constantFrom('', '/delete', '/restore')
  await fc.assert(
    fc.asyncProperty(path, fc.oneof(BODY, query, SCALAR), async (where, body) => {
      const reply = await ask(
        'POST',
        devices + where,
        JSON.stringify(where === '' ? body : { query: {}, ...Object(body), forceJob: false }),
      )
      assert.ok([200, 201, 400].includes(reply.status), `${reply.status} ${reply.text}`)
    }),
    { numRuns: 300 },
  )
})
