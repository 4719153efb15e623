/** What a change of a device means: patches, single operations, and what becomes of the history of its attributes. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UpdateOperation } from '../../contract/device-operations.ts'
import type { DeviceAttribute, DevicePatch } from '../../contract/devices.ts'
import { applyOperations } from '../../server/catalog/device-operations.ts'
import { applyPatch, compareAttributes, type DeviceShape, newShape } from '../../server/catalog/device-shape.ts'

const rpm: DeviceAttribute = { name: 'rpm', dataType: 'number' }
const flow: DeviceAttribute = { name: 'flow', dataType: 'number', description: 'litres', attributeTags: { unit: 'l' } }
const before: DeviceShape = {
  ...newShape('pump'),
  description: 'old',
  parentId: 'a'.repeat(24),
  attributes: [rpm, flow],
  tags: [
    { key: 'floor', value: '1' },
    { key: 'kind', value: 'x' },
    { key: 'floor', value: '2' },
  ],
}

const patches: [string, DevicePatch, Partial<DeviceShape>][] = [
  ['nothing', {}, {}],
  ['an empty description', { description: '' }, { description: '' }],
  ['no parent', { parentId: null }, { parentId: null }],
  ['a parent in capitals', { parentId: 'B'.repeat(24) }, { parentId: 'b'.repeat(24) }],
  ['a list whole', { tags: [] }, { tags: [] }],
  [
    'a gateway with its class',
    { deviceClass: 'peripheral', gatewayId: 'C'.repeat(24) },
    { deviceClass: 'peripheral', gatewayId: 'c'.repeat(24) },
  ],
]
for (const [what, patch, expected] of patches) {
  test(`a patch says ${what}`, () => assert.deepEqual(applyPatch(before, patch), { ...before, ...expected }))
}

test('a device that is no longer a peripheral leaves its gateway', () => {
  const peripheral = applyPatch(before, { deviceClass: 'peripheral', gatewayId: 'c'.repeat(24) })
  assert.equal(applyPatch(peripheral, { deviceClass: 'floating' }).gatewayId, null)
  assert.equal(applyPatch(peripheral, { name: 'x' }).gatewayId, 'c'.repeat(24))
})

const set = (target: string, value: unknown, attributeName?: string) =>
  // A table of what the contract lets through, which TypeScript cannot pair target by target.
  ({ operation: 'set', target, value, ...(attributeName ? { attributeName } : {}) }) as UpdateOperation

const operations: [UpdateOperation, Partial<DeviceShape>][] = [
  [set('name', 'x'), { name: 'x' }],
  [set('systemInterval', 60), { systemInterval: 60 }],
  [set('keepDuplicates', true), { keepDuplicates: true }],
  [
    set('tag', { key: 'floor', value: '9' }),
    {
      tags: [
        { key: 'floor', value: '9' },
        { key: 'kind', value: 'x' },
      ],
    },
  ],
  [set('tag', { key: 'new', value: '9' }), { tags: [...before.tags, { key: 'new', value: '9' }] }],
  [set('attributeTag', { key: 'a', value: 'b' }, 'rpm'), { attributes: [{ ...rpm, attributeTags: { a: 'b' } }, flow] }],
  [set('attributeTag', { key: 'a', value: 'b' }, 'absent'), {}],
  [set('attributeDescription', 'd', 'rpm'), { attributes: [{ ...rpm, description: 'd' }, flow] }],
  [set('attributeContentType', 'text/csv', 'rpm'), { attributes: [{ ...rpm, contentType: 'text/csv' }, flow] }],
  [set('attributeName', 'speed', 'rpm'), { attributes: [{ ...rpm, name: 'speed' }, flow] }],
  [set('attributeName', 'speed', 'absent'), {}],
  [{ operation: 'remove', target: 'description' }, { description: null }],
  [{ operation: 'remove', target: 'parentId' }, { parentId: null }],
  [{ operation: 'remove', target: 'tag', tagKey: 'floor' }, { tags: [{ key: 'kind', value: 'x' }] }],
  [{ operation: 'remove', target: 'attribute', attributeName: 'rpm' }, { attributes: [flow] }],
  [
    { operation: 'remove', target: 'attributeTag', attributeName: 'flow', tagKey: 'unit' },
    { attributes: [rpm, { ...flow, attributeTags: {} }] },
  ],
  [
    { operation: 'remove', target: 'attributeDescription', attributeName: 'flow' },
    { attributes: [rpm, { name: 'flow', dataType: 'number', attributeTags: { unit: 'l' } }] },
  ],
  [
    { operation: 'add', target: 'attribute', value: { name: 'on', dataType: 'boolean' } },
    { attributes: [rpm, flow, { name: 'on', dataType: 'boolean' }] },
  ],
  [{ operation: 'add', target: 'attribute', value: rpm }, {}],
  [
    { operation: 'add', target: 'attributeSystem', value: { ...rpm, system: { aggregation: 'SUM' } } },
    { attributes: [{ ...rpm, system: { aggregation: 'SUM' } }, flow] },
  ],
]
for (const [operation, expected] of operations) {
  test(`the operation ${JSON.stringify(operation)}`, () => {
    assert.deepEqual(applyOperations(before, [operation]), { ...before, ...expected })
  })
}

const impossible: [string, UpdateOperation, DeviceShape, RegExp][] = [
  ['a name that is taken', set('attributeName', 'flow', 'rpm'), before, /can't be called "flow"/],
  [
    'an attribute of another type',
    { operation: 'add', target: 'attribute', value: { ...rpm, dataType: 'string' } },
    before,
    /there already, as number/,
  ],
  [
    'a tag too many',
    set('tag', { key: 'new', value: 'x' }),
    { ...before, tags: Array.from({ length: 100 }, (_, n) => ({ key: `k${n}`, value: 'v' })) },
    /at most 100 tags/,
  ],
  [
    'an attribute too many',
    { operation: 'add', target: 'attribute', value: { name: 'new', dataType: 'string' } },
    { ...before, attributes: Array.from({ length: 256 }, (_, n) => ({ name: `a${n}`, dataType: 'string' })) },
    /at most 256 attributes/,
  ],
]
for (const [what, operation, shape, message] of impossible) {
  test(`${what} is refused`, () => {
    assert.throws(() => applyOperations(shape, [operation]), { kind: 'invalid', message })
  })
}

const text: DeviceAttribute = { name: 'rpm', dataType: 'string' }
const histories: [string, DeviceAttribute[], object, DeviceAttribute[], object, string[]][] = [
  ['the same attributes keep theirs', [rpm, flow], {}, [flow, rpm], {}, []],
  ['a new one begins', [], {}, [rpm], {}, []],
  ['a changed type loses it', [rpm], {}, [text], {}, ['rpm']],
  ['one taken away is remembered', [rpm, flow], {}, [flow], { rpm: 'number' }, []],
  ['one that comes back finds it again', [flow], { rpm: 'number' }, [flow, rpm], {}, []],
  ['one that comes back with another type loses it', [flow], { rpm: 'number' }, [flow, text], {}, ['rpm']],
]
for (const [what, was, formerTypes, is, expectedFormer, forget] of histories) {
  test(`of the history of attributes, ${what}`, () => {
    assert.deepEqual(compareAttributes(was, { ...formerTypes }, is), { formerTypes: expectedFormer, forget })
  })
}

test('only so many attributes that were taken away are remembered; the others lose their history', () => {
  const was = Array.from({ length: 256 }, (_, n): DeviceAttribute => ({ name: `a${n}`, dataType: 'number' }))
  const { formerTypes, forget } = compareAttributes(was, { older: 'string' }, [])
  assert.equal(Object.keys(formerTypes).length, 256)
  assert.deepEqual(forget, ['a255'])
})
