/**
 * Whether an answer is what our OpenAPI document says: a status that the operation has, a body of its schema. Objects
 * may have no property that is not described, although programs have to pass over such.
 */

import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { OpenApiDocument } from '../../contract/openapi/document.ts'

export interface Answer {
  readonly method: string
  /** With or without a query. */
  readonly path: string
  readonly status: number
  readonly contentType: string
  /** Parsed, undefined where it is no JSON or was not read. */
  readonly body: unknown
}

/** What is wrong with an answer, undefined when nothing is, or when the document has no such operation. */
export type FaultOf = (answer: Answer) => string | undefined

type Node = { readonly [key: string]: unknown }

export function createFaultOf(document: OpenApiDocument): FaultOf {
  const ajv = new Ajv2020({ strict: false, allErrors: true, verbose: true })
  addFormats.default(ajv)
  ajv.addSchema({ ...strict(document), $id: 'api' })
  const patterns = Object.keys(document.paths)
    .map((path) => ({ path, pattern: patternOf(path) }))
    // `/devices/compositeState` before `/devices/{deviceId}`.
    .toSorted((a, b) => a.path.split('{').length - b.path.split('{').length)
  const compiled = new Map<string, ValidateFunction>()

  const validatorOf = (pointer: string): ValidateFunction => {
    const known = compiled.get(pointer)
    if (known) return known
    const made = ajv.compile({ $ref: `api#${encodeURI(pointer)}` })
    compiled.set(pointer, made)
    return made
  }

  return ({ method, path, status, contentType, body }) => {
    const [plain = ''] = path.split('?')
    const found = patterns.find(({ pattern }) => pattern.test(plain.length > 1 ? plain.replace(/\/$/, '') : plain))
    const operation = found && document.paths[found.path]?.[method.toLowerCase()]
    if (!found || !operation) return undefined
    const name = `${method} ${found.path} answered ${status}`
    const responses = nodeOf(operation['responses'])
    const written = responses[String(status)]
    if (!written && OF_HTTP.has(status)) return isRefusal(body) ? undefined : `${name} without a refusal's body`
    if (!written)
      return `${name}, which is not described; described are ${Object.keys(responses)}: ${JSON.stringify(body)}`
    const shared = nodeOf(written)['$ref']
    const pointer =
      typeof shared === 'string'
        ? shared.slice(1)
        : `/paths/${escaped(found.path)}/${method.toLowerCase()}/responses/${status}`
    const response = nodeOf(typeof shared === 'string' ? at(document, shared) : written)
    const types = Object.keys(nodeOf(response['content']))
    const [type = ''] = contentType.split(';')
    if (types.length === 0) return body === undefined ? undefined : `${name} with a body, and is described without`
    if (!types.includes(type)) return `${name} as ${type || 'no type'}, described is ${types}`
    if (type !== 'application/json') return undefined
    const validate = validatorOf(`${pointer}/content/${escaped(type)}/schema`)
    if (validate(body)) return undefined
    const faults = (validate.errors ?? []).slice(0, 8).map(({ instancePath, message, params, data }) => {
      const more = JSON.stringify(params)
      return `  ${instancePath || 'the answer'} ${message} ${more}, has ${String(JSON.stringify(data)).slice(0, 200)}`
    })
    return `${name} with what its schema does not allow:\n${faults.join('\n')}`
  }
}

/** What any request may be answered whatever it asks for: what it brings is late, too large, or a body where none is read. */
const OF_HTTP = new Set([408, 413, 414, 415, 431])

const isRefusal = (body: unknown) =>
  typeof nodeOf(body)['type'] === 'string' && typeof nodeOf(body)['message'] === 'string'

const nodeOf = (value: unknown): Node => (typeof value === 'object' && value !== null ? { ...value } : {})

const escaped = (part: string) => part.replaceAll('~', '~0').replaceAll('/', '~1')

function at(document: OpenApiDocument, pointer: string): unknown {
  const parts = pointer.split('/').slice(1)
  return parts.reduce<unknown>((node, part) => nodeOf(node)[part], document)
}

const patternOf = (path: string) =>
  new RegExp(`^${path.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{\w+\}/g, '[^/]+')}$`)

/** Closes every object that says what it has; one that is part of a union is closed by the branches. */
function strict(document: OpenApiDocument): object {
  return JSON.parse(JSON.stringify(document), (_, value) => {
    const isOpen =
      value?.type === 'object' &&
      value.properties &&
      value.additionalProperties === undefined &&
      !value.oneOf &&
      !value.anyOf &&
      !value.allOf
    return isOpen ? { ...value, additionalProperties: false } : value
  })
}
