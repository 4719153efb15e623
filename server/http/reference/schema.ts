/** Schemas as people read them: a table of properties, each with its type, what it may be, and what it means. */

import { recordOf } from '../../../contract/openapi/schemas.ts'
import { type Html, html, inline } from './html.ts'

/** Deeper than this the name of the type has to do; no schema of ours goes so deep without a name. */
const MAX_DEPTH = 6

/** The table of an object, or what another schema is in one line. */
export function schemaTable(schema: unknown, depth = 0): Html {
  const rows = rowsOf(schema, '', depth)
  if (rows.length === 0) return html`<p class="type">${typeOf(schema)} ${constraints(schema)}</p>`
  return html`<div class="scroll"><table class="schema">
<thead><tr><th scope="col">Name</th><th scope="col">Type</th><th scope="col">Meaning</th></tr></thead>
<tbody>${rows}</tbody></table></div>`
}

/** A row for each property; those of objects without a name follow the object, with its name before theirs. */
function rowsOf(schema: unknown, prefix: string, depth: number): Html[] {
  const { properties, required, type, items, additionalProperties } = recordOf(schema)
  if (depth > MAX_DEPTH) return []
  if (type === 'array' && depth > 0) return rowsOf(items, prefix.replace(/\.$/, '[].'), depth + 1)
  const needed = Array.isArray(required) ? required : []
  const named = Object.entries(recordOf(properties)).flatMap(([name, property]) => [
    row(prefix, name, property, needed.includes(name)),
    ...rowsOf(property, `${prefix}${name}.`, depth + 1),
  ])
  const others = recordOf(additionalProperties)
  if (Object.keys(others).length === 0 || !properties) return named
  return [...named, row(prefix, '…', others, false)]
}

function row(prefix: string, name: string, schema: unknown, isRequired: boolean): Html {
  const { description } = recordOf(schema)
  return html`<tr><td><code class="name"><span>${prefix}</span>${name}</code>${isRequired ? html` <b class="must">required</b>` : ''}</td>
<td>${typeOf(schema)}</td><td>${inline(String(description ?? ''))} ${constraints(schema)}</td></tr>`
}

const NAME = /^#\/components\/schemas\/(\w+)$/

/** The type in a few words, with links to schemas that have a name. */
export function typeOf(schema: unknown): Html {
  const { $ref, type, items, anyOf, oneOf, additionalProperties, contentMediaType, format } = recordOf(schema)
  const [, name] = NAME.exec(String($ref ?? '')) ?? []
  if (name) return html`<a href="#schema-${name}">${name}</a>`
  for (const union of [anyOf, oneOf])
    if (Array.isArray(union)) return html`${union.map((one, index) => html`${index > 0 ? ' or ' : ''}${typeOf(one)}`)}`
  if (type === 'array') return html`list of ${typeOf(items)}`
  const values = recordOf(additionalProperties)
  if (type === 'object' && Object.keys(values).length > 0) return html`object of ${typeOf(values)}`
  if (contentMediaType) return html`bytes`
  if (format === 'date-time') return html`moment`
  return html`${Array.isArray(type) ? type.join(' or ') : String(type ?? 'anything')}`
}

/** In the order people look for them. */
const WORDS: readonly (readonly [keyword: string, say: (value: unknown) => Html | string])[] = [
  ['const', (value) => html`always <code>${JSON.stringify(value)}</code>`],
  ['enum', (value) => html`one of ${list(value)}`],
  ['default', (value) => html`<code>${JSON.stringify(value)}</code> unless given`],
  ['minimum', (value) => `at least ${value}`],
  ['maximum', (value) => `at most ${value}`],
  ['minLength', (value) => `at least ${value} characters`],
  ['maxLength', (value) => `at most ${value} characters`],
  ['minItems', (value) => `at least ${value} of them`],
  ['maxItems', (value) => `at most ${value} of them`],
  ['maxProperties', (value) => `at most ${value} of them`],
  ['pattern', (value) => html`<code class="pattern">${String(value)}</code>`],
]

/** What a value has to be like besides its type. */
export function constraints(schema: unknown): Html {
  const known = recordOf(schema)
  const said = WORDS.flatMap(([keyword, say]) => (known[keyword] === undefined ? [] : [say(known[keyword])]))
  if (said.length === 0) return html``
  return html`<small>${said.map((one, index) => html`${index > 0 ? ', ' : ''}${one}`)}</small>`
}

const list = (values: unknown): Html =>
  html`${(Array.isArray(values) ? values : []).map(
    (value, index) => html`${index > 0 ? ', ' : ''}<code>${JSON.stringify(value)}</code>`,
  )}`
