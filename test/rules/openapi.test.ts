/** The OpenAPI document: it has every operation of the contract and no other, nothing in it dangles, and its examples are of their schemas. */

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { type NamedRoute, readContract } from '../../contract/openapi/contract.ts'
import { documentOf } from '../../contract/openapi/document.ts'
import { route } from '../../contract/route.ts'
import { Success } from '../../contract/shapes.ts'

const contract = await readContract()
const { document, gaps } = documentOf(contract)

type Node = { readonly [key: string]: unknown }
const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ key: `${method.toUpperCase()} ${path}`, operation })),
)

/** Every object in the document with the pointer it is at. */
function* nodes(value: unknown, pointer = '#'): Generator<[string, Node]> {
  if (!isNode(value)) return
  yield [pointer, value]
  for (const [key, part] of Object.entries(value))
    yield* nodes(part, `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`)
}

const all = [...nodes(document)]
const pointers = new Set(all.map(([pointer]) => pointer))

test('every route of the contract is an operation of the document, and the other way round', () => {
  const routes = contract.routes.map(({ route: { method, path } }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
  assert.ok(routes.length > 100, `${routes.length} routes`)
  assert.deepEqual(operations.map(({ key }) => key).toSorted(), routes.toSorted())
})

test('every operation has a name of its own, that of the original where it has the operation', () => {
  const ids = operations.map(({ operation }) => String(operation['operationId']))
  assert.deepEqual(
    ids.filter((id, index) => ids.indexOf(id) !== index),
    [],
  )
  const missing = contract.routes.map((one) => one.route.operation).filter((operation) => !ids.includes(operation))
  assert.deepEqual(missing, [])
})

test('every reference leads somewhere, and every component is referred to', () => {
  const refs = all.flatMap(([, node]) => {
    const { mapping } = isNode(node['discriminator']) ? node['discriminator'] : {}
    return [node['$ref'], ...(isNode(mapping) ? Object.values(mapping) : [])].filter((ref) => typeof ref === 'string')
  })
  assert.ok(refs.length > 500, `${refs.length} references`)
  assert.deepEqual(
    [...new Set(refs)].filter((ref) => !pointers.has(ref)),
    [],
  )
  const components = Object.entries(document.components).flatMap(([kind, named]) =>
    kind === 'securitySchemes' ? [] : Object.keys(named).map((name) => `#/components/${kind}/${name}`),
  )
  assert.deepEqual(
    components.filter((pointer) => !refs.includes(pointer)),
    [],
  )
})

test('nothing lacks words or an example', () => {
  assert.deepEqual(gaps, [])
})

test('it names the ways to a token, those in which one may come, and how signing in is refused', () => {
  const told = String(document.info['description'])
  const ways = [
    'POST /auth/user',
    'POST /auth/device',
    'POST /applications/{applicationId}/tokens',
    'POST /me/tokens',
  ] as const
  const keys = operations.map(({ key }) => key)
  for (const way of ways) assert.ok(told.includes(`\`${way}\``) && keys.includes(way), way)
  for (const spelling of ['Authorization: Bearer …', 'Authorization: JWT …', '?access_token=…', '?jwt=…'])
    assert.ok(told.includes(`\`${spelling}\``), spelling)
  const pointer = '#/paths/~1auth~1user/post/responses/401'
  const types = all.filter(([at]) => at.startsWith(`${pointer}/content`)).map(([, { type }]) => type)
  for (const type of ['Unauthorized', 'AccountLocked', 'TwoFactorRequired']) assert.ok(types.includes(type), type)
  assert.ok(pointers.has(`${pointer}/headers/Retry-After`))
})

test('a route without notes is a gap that says where to write them', () => {
  const made = route({ operation: 'thing.get', method: 'GET', path: '/things', summary: 'Gives it.', reply: Success })
  const added: NamedRoute = { name: 'getThing', module: 'things', route: made }
  const { gaps: found } = documentOf({ ...contract, routes: [...contract.routes, added] })
  assert.ok(
    found.some((gap) => gap.includes('contract/openapi/notes/things.ts')),
    found.join('\n'),
  )
})

test('no large schema is written out twice', () => {
  const places = Map.groupBy(
    all.filter(([, node]) => isNode(node['properties']) && JSON.stringify(node).length > 900),
    ([, node]) => JSON.stringify(node),
  )
  const twice = [...places.values()].filter((same) => same.length > 1).map((same) => same.map(([pointer]) => pointer))
  assert.deepEqual(twice, [])
})

test('every example is what its schema allows', () => {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: true })
  addFormats.default(ajv)
  ajv.addSchema({ ...document, $id: 'api' })
  const faults: string[] = []
  let checked = 0
  const check = (pointer: string, schemaPointer: string, value: unknown) => {
    checked += 1
    const validate = ajv.compile({ $ref: `api${encodeURI(schemaPointer).replaceAll('#', '%23').replace('%23', '#')}` })
    if (!validate(value)) faults.push(`${pointer}: ${ajv.errorsText(validate.errors)}`)
  }
  for (const [pointer, node] of all) {
    if (pointers.has(`${pointer}/schema`)) {
      if ('example' in node) check(pointer, `${pointer}/schema`, node['example'])
      for (const [name, one] of Object.entries(isNode(node['examples']) ? node['examples'] : {}))
        check(`${pointer}/examples/${name}`, `${pointer}/schema`, isNode(one) ? one['value'] : one)
    } else if (Array.isArray(node['examples'])) for (const value of node['examples']) check(pointer, pointer, value)
  }
  assert.ok(checked > 400, `${checked} examples`)
  assert.deepEqual(faults, [])
})

const PUBLISHED = join(import.meta.dirname, '../../../shared/contract/operations.json')
const skip = !existsSync(PUBLISHED) && 'the published operations are not beside this repository'

test('an operation is said to be ours when the original does not have it, and only then', { skip }, () => {
  const published = new Set<string>(
    JSON.parse(readFileSync(PUBLISHED, 'utf8')).map((one: Node) => `${one['resource']}.${one['action']}`),
  )
  const wrong = operations.filter(({ operation }) => {
    const name = operation['x-operation'] ?? operation['operationId']
    return published.has(String(name)) === (operation['x-own'] === true)
  })
  assert.deepEqual(
    wrong.map(({ operation }) => operation['operationId']),
    [],
  )
})
