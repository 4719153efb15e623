/** What comes in, checked against the contract: the one sentence a refusal is, for the faults people make. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { DataTablePost } from '../../contract/data-tables.ts'
import { DevicePost } from '../../contract/devices.ts'
import { ExecutionOptions, getMinuteCounts } from '../../contract/executions.ts'
import { listNotebooks, NotebookPost } from '../../contract/notebooks.ts'
import { listRows } from '../../contract/rows.ts'
import { DeviceState, sendState } from '../../contract/states.ts'
import { createCheck } from '../../server/http/validation.ts'

const notebook = createCheck(NotebookPost)
const input = (rest: object) => ({
  name: 'n',
  inputs: [{ inputType: 'deviceData', fileName: 'a.csv', start: -1, end: 0, ...rest }],
})
const output = (rest: object) => ({ name: 'n', outputs: [{ outputType: 'file', fileName: 'a', ...rest }] })

const refusals: [unknown, string | RegExp][] = [
  [{}, 'notebook.name is required'],
  [[], 'notebook must be an object, not a list'],
  ['text', 'notebook must be an object, not a string'],
  [{ name: 5 }, 'notebook.name must be a string, not a number'],
  [{ name: '' }, 'notebook.name must not be empty'],
  [{ name: 'n'.repeat(1025) }, 'notebook.name must have at most 1024 characters, and has 1025'],
  [{ name: 'n', imageVersion: 'v5' }, 'notebook.imageVersion must be one of v1, v2, v3, v4'],
  [{ name: 'n', colour: 1 }, /^notebook\.colour is not a known property; allowed are name, description, imageVersion/],
  [{ name: 'n', inputs: {} }, 'notebook.inputs must be a list, not an object'],
  [{ name: 'n', inputs: [{}] }, 'notebook.inputs.0.inputType is required'],
  [
    { name: 'n', inputs: [{ inputType: 'csv' }] },
    /^notebook\.inputs\.0\.inputType must be one of deviceData, .*, applicationFile$/,
  ],
  [input({ start: 'yesterday' }), 'notebook.inputs.0.start must be a number, not a string (inputType deviceData)'],
  [input({ end: undefined }), 'notebook.inputs.0.end is required (inputType deviceData)'],
  [input({ fileName: 'a/b.csv' }), /^notebook\.inputs\.0\.fileName must be a file name of 1 to 255 letters/],
  [input({ fileName: '..' }), /^notebook\.inputs\.0\.fileName must be a file name/],
  [input({ fileName: '{{}}' }), /^notebook\.inputs\.0\.fileName must be a file name/],
  [input({ deviceIds: ['x'] }), /^notebook\.inputs\.0\.deviceIds\.0 must be an id of 24 hexadecimal digits, or a/],
  [input({ deviceTags: [{ tag: 'x' }] }), /^notebook\.inputs\.0\.deviceTags\.0\.tag is not a known property; allowed/],
  [
    input({ attributes: ['a b'] }),
    /^notebook\.inputs\.0\.attributes\.0 must be 1 to 255 letters, digits, "_" or "-" \(inputType deviceData\)$/,
  ],
  [{ name: 'a\u0000b' }, 'notebook.name must be text without NUL characters and halves of surrogate pairs'],
  [input({ fileName: '{{a}}\uD800' }), /^notebook\.inputs\.0\.fileName must be text without NUL/],
  [output({}), 'notebook.outputs.0.destinationFileNameTemplate is required (outputType file)'],
  [
    output({ outputType: 'executionResult' }),
    /^notebook\.outputs\.0\.fileName must be one of result\.html, result\.pdf/,
  ],
  [{ name: 'n', __proto__: null, constructor: 1 }, /^notebook\.constructor is not a known property/],
]
test('a refusal names the field, what was found wrong, and what is allowed', () => {
  for (const [body, expected] of refusals) {
    const error = { kind: 'invalid', message: expected }
    assert.throws(() => notebook(body, 'notebook'), error, JSON.stringify(body).slice(0, 100))
  }
})

test('what the contract allows is let through', () => {
  const bodies: unknown[] = [
    { name: 'n', description: '' },
    input({ fileName: '{{ctx.name}}.csv', deviceIds: ['{{ctx.id}}', 'A'.repeat(24)] }),
    input({ fileName: '...' }),
    output({ destinationFileNameTemplate: 'x', destinationPrivate: true }),
  ]
  for (const body of bodies) notebook(body, 'notebook')
})

test('of a union the sentence speaks of the branch that was meant', () => {
  const options = createCheck(ExecutionOptions)
  options({ relativeTo: { $date: '2026-01-01' } }, 'executionOptions')
  assert.throws(() => options({ relativeTo: true }, 'executionOptions'), {
    message: 'executionOptions.relativeTo must be a string, a number or an object with $date, not a boolean',
  })
  assert.throws(() => options({ relativeTo: { date: 1 } }, 'executionOptions'), {
    message: /^executionOptions\.relativeTo\.(?:\$date is required|date is not a known property; allowed are \$date)$/,
  })
  assert.throws(() => options({ email: 'nobody' }, 'executionOptions'), {
    message: 'executionOptions.email must be an e-mail address',
  })
  const states = createCheck(sendState.body?.schema ?? DeviceState)
  assert.throws(() => states([{ data: { a: 1 } }, { data: { a: null } }], 'deviceState'), {
    message: 'deviceState.1.data.a must be a number, a string or true or false, not null',
  })
  assert.throws(() => states({ data: { 'a b': 1 } }, 'deviceState'), {
    message: 'deviceState.data.a b is not a known property; allowed are names of 1 to 255 letters, digits, "_" or "-"',
  })
})

test('names of columns, attributes and tags are checked where they stand', () => {
  const table = createCheck(DataTablePost)
  const columns = [{ name: 'a', dataType: 'text', constraint: 'optional' }]
  assert.throws(() => table({ name: 't', columns }, 'dataTable'), {
    message: 'dataTable.columns.0.dataType must be one of string, number, boolean',
  })
  const device = createCheck(DevicePost)
  assert.throws(() => device({ name: 'd', tags: [{ key: 'k', value: '' }] }, 'device'), {
    message: /^device\.tags\.0\.value/,
  })
  assert.throws(() => device({ name: 'd', parentId: 'x' }, 'device'), { message: /^device\.parentId must be/ })
})

test('a parameter stands for itself', () => {
  const params = createCheck(getMinuteCounts.params)
  assert.throws(() => params({ applicationId: 'x', notebookId: 'a'.repeat(24) }), {
    kind: 'invalid',
    message: 'applicationId must be 24 hexadecimal digits',
  })
  const list = createCheck(listNotebooks.query)
  list({ page: '0', unknown: 'x', sortDirection: 'DESC' })
  assert.throws(() => list({ sortField: 'constructor' }), {
    message: /^sortField must be one of name, id, creationDate/,
  })
  const rows = createCheck(listRows.query)
  rows({ includeFields: ['a', 'b'] })
  assert.throws(() => rows({ sortColumn: 'a;b' }), { message: /^sortColumn must be 1 to 255 letters/ })
})

test('nesting without an end is refused before it is looked through', () => {
  let deep: unknown = 1
  for (let level = 0; level < 10_000; level += 1) deep = { meta: deep }
  const state = createCheck(DeviceState)
  assert.throws(() => state({ data: {}, meta: deep }, 'deviceState'), { message: /nested more than 32 levels deep/ })
})
