/**
 * Whether an answer is what the original publishes (1.30.0): its schema for the operation and status, where the published
 * description lies beside this repository. Nothing is widened.
 */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import type { FaultOf } from './described.ts'

const FOLDER = join(import.meta.dirname, '../../../shared/contract')

interface PublishedOperation {
  readonly method: string
  readonly path: string
  readonly responses: readonly { readonly code: number; readonly schema?: string }[]
}

/** Undefined where the published description is not there. */
export function createPublishedFaultOf(): FaultOf | undefined {
  if (!existsSync(join(FOLDER, 'operations.json'))) return undefined
  const operations: PublishedOperation[] = JSON.parse(readFileSync(join(FOLDER, 'operations.json'), 'utf8'))
  const patterns = operations
    .map((operation) => ({ operation, pattern: patternOf(operation.path) }))
    .toSorted((a, b) => a.operation.path.split('{').length - b.operation.path.split('{').length)
  // The schemas were written for an older draft, in which formats and words beside their own were passed over.
  const ajv = new Ajv({ strict: false, allErrors: true, unicodeRegExp: false })
  addFormats.default(ajv)
  const compiled = new Map<string, ValidateFunction>()
  const validatorOf = (name: string): ValidateFunction => {
    const known = compiled.get(name)
    if (known) return known
    const { $schema: _, ...schema } = JSON.parse(readFileSync(join(FOLDER, 'schemas', `${name}.json`), 'utf8'))
    const made = ajv.compile(schema)
    compiled.set(name, made)
    return made
  }

  return (answer) => {
    const { method, status, body } = answer
    const [path = '', query = ''] = answer.path.split('?')
    const found = patterns.find(({ operation, pattern }) => operation.method === method && pattern.test(path))
    const name = found?.operation.responses.find(({ code }) => code === status)?.schema
    if (!found || !name || body === undefined || hasOtherShape(query)) return undefined
    const validate = validatorOf(name)
    if (validate(body)) return undefined
    const faults = (validate.errors ?? []).slice(0, 8).map(({ instancePath, message, params }) => {
      return `  ${instancePath || 'the answer'} ${message} ${JSON.stringify(params)}`
    })
    return `${method} ${found.operation.path} answered ${status}, and the published ${name} does not allow that:\n${faults.join('\n')}\n  ${JSON.stringify(body).slice(0, 400)}`
  }
}

const patternOf = (path: string) =>
  new RegExp(`^${path.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{\w+\}/g, '[^/]+')}/?$`)

/** The published schema of devices does not know what these options of the same operation do. */
const hasOtherShape = (query: string) => /(?:^|&)(?:tags|attributes)AsObject=(?:true|1|yes)\b/i.test(query)
