/**
 * Every schema that something of a request is checked against, given everything it does not allow: each refusal is a
 * sentence of ours, of few words, that speaks of no other member of a union and repeats nothing that came.
 */

import assert from 'node:assert/strict'
import test from 'node:test'
import type { TSchema } from 'typebox'
import { AppError } from '../../server/ground/errors.ts'
import { createCheck } from '../../server/http/validation.ts'
import { routes } from '../support/routes.ts'

type Schema = Record<string, unknown> & { readonly [key: symbol]: never }

const roots = routes.flatMap(({ operation, params, query, body }) =>
  [params, query, body?.schema].flatMap((schema) =>
    schema ? [{ operation, schema: schema as unknown as Schema }] : [],
  ),
)

/** A schema and all that are inside it. */
function* inside(schema: Schema): Generator<Schema> {
  yield schema
  for (const part of Object.values(schema)) {
    const parts = typeof part === 'object' && part !== null ? [part, ...Object.values(part)] : []
    for (const one of parts) if (isSchema(one)) yield* inside(one)
  }
}

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  ['type', 'anyOf', 'oneOf', 'allOf', 'const'].some((word) => {
    const said = Object.getOwnPropertyDescriptor(value, word)?.value
    return typeof said === 'string' || Array.isArray(said)
  })

/** Each once: shapes are shared. */
const schemas = new Map(roots.flatMap(({ schema }) => [...inside(schema)].map((one) => [JSON.stringify(one), one])))

const LONG = 'x'.repeat(40_000)
const values: unknown[] = [
  ...[null, true, 0, 1.5, -1e300, 1e300, '', 'x', LONG, [], [LONG], [[LONG]], {}, { [LONG]: 1 }, { a: { b: LONG } }],
  ...[Array.from({ length: 3000 }, () => 'x'), Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`x${n}`, n]))],
]

function refusal(schema: Schema, value: unknown): string | undefined {
  try {
    createCheck(schema as unknown as TSchema)(value, 'body')
    return undefined
  } catch (error) {
    assert.ok(error instanceof AppError && error.kind === 'invalid', String(error))
    return error.message
  }
}

test('every refusal is a short sentence that begins with the field', () => {
  assert.ok(schemas.size > 150, `${schemas.size} schemas`)
  let refused = 0
  for (const schema of schemas.values()) {
    for (const value of values) {
      const message = refusal(schema, value)
      if (message === undefined) continue
      refused += 1
      const about = `${message.slice(0, 300)} for ${JSON.stringify(value).slice(0, 40)}`
      assert.match(
        message,
        /^body(?:\.[^ ]+)? (?:must (?:be|have|not be) |is required|is not a known property; allowed are )/,
        about,
      )
      assert.doesNotMatch(message, /x{61}|undefined|\[object|must NOT|must match|schema|\(\w+\)$| {2}/, about)
      assert.ok(message.length < 1000, `${message.length} characters: ${about}`)
    }
  }
  assert.ok(refused > 2000, `${refused} refusals`)
})

interface Member {
  readonly properties: Record<string, { readonly const?: unknown }>
}

const tagged = [...schemas.values()].flatMap((schema) => {
  const { discriminator, oneOf } = schema as { discriminator?: { propertyName: string }; oneOf?: Member[] }
  return discriminator && oneOf ? [{ schema, tag: discriminator.propertyName, members: oneOf }] : []
})

test('of a tagged union the member that was meant is named, and no other', () => {
  assert.deepEqual([...new Set(tagged.map(({ tag }) => tag))].toSorted(), [
    'inputType',
    'operation',
    'outputType',
    'status',
    'target',
  ])
  for (const { schema, tag, members } of tagged) {
    const names = members.map(({ properties }) => properties[tag]?.const)
    for (const { properties } of members) {
      const name = properties[tag]?.const
      const good = Object.fromEntries(
        Object.entries(properties).flatMap(([key, { const: word }]) => (word === undefined ? [] : [[key, word]])),
      )
      const faulty = [{ colour: 1 }, ...Object.keys(properties).map((key) => ({ [key]: null, colour: 1 }))]
      for (const value of faulty) {
        const message = refusal(schema, { ...value, ...good }) ?? ''
        assert.ok(message.endsWith(` (${tag} ${name})`), message)
        const others = names.filter((other) => other !== name && !Object.hasOwn(properties, String(other)))
        for (const other of others) assert.doesNotMatch(message, new RegExp(`\\b${other}\\b(?!\\.)`), message)
      }
    }
    assert.equal(refusal(schema, { [tag]: 'nothing' }), `body.${tag} must be one of ${names.join(', ')}`)
    assert.equal(refusal(schema, { [tag]: 5 }), `body.${tag} must be one of ${names.join(', ')}`)
    assert.equal(refusal(schema, {}), `body.${tag} is required`)
  }
})

/** Where in a schema objects with properties may have others as well. */
function openWithin(schema: Schema, path: string): string[] {
  const { properties, items, anyOf, oneOf, additionalProperties } = schema as Record<string, object | undefined>
  const members = [items ?? [], anyOf ?? [], oneOf ?? []].flat() as Schema[]
  const parts = Object.entries(properties ?? {}).filter(([, part]) => isSchema(part))
  const isOpen = parts.length > 0 && !oneOf && (additionalProperties as unknown) !== false
  const within = [
    ...members.flatMap((member) => openWithin(member, path)),
    ...parts.flatMap(([name, part]) => openWithin(part, `${path}.${name}`)),
  ]
  return isOpen ? [path, ...within] : within
}

/** These bodies are queries, whose fields `server/query` knows. */
const QUERIES = ['dataTableRows.delete', 'dataTableRows.query', 'events.delete']
/** The published schema lets others pass. */
const OPEN = ['file.patch', 'privateFile.patch']
const OPEN_OPTIONS = ['data.export.options', 'device.export.options', 'dataTableRows.export.queryOptions']

test('a property that no body knows is refused', () => {
  const open = routes.flatMap(({ operation, body }) =>
    body && refusal(body.schema as unknown as Schema, { nobodyKnowsThis: [LONG] }) === undefined ? [operation] : [],
  )
  assert.deepEqual([...new Set(open)].toSorted(), [...QUERIES, ...OPEN].toSorted())
  const insideOpen = routes.flatMap(({ operation, body }) =>
    OPEN.includes(operation) || !body ? [] : openWithin(body.schema as unknown as Schema, operation),
  )
  assert.deepEqual([...new Set(insideOpen)].toSorted(), OPEN_OPTIONS.toSorted())
})
