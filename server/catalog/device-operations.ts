/** The single changes of a bulk change, as functions of a device's shape. Pure; what changes nothing gives the shape itself. */

import type { UpdateOperation } from '../../contract/device-operations.ts'
import type { DeviceAttribute, DeviceTag } from '../../contract/devices.ts'
import { invalid } from '../ground/errors.ts'
import { applyPatch, type DeviceShape, MAX_ATTRIBUTES, MAX_TAGS } from './device-shape.ts'

/**
 * Applies operations in their order. Where the original is silent: a tag that is set takes the place of all of its key;
 * what is about an attribute that a device does not have changes nothing; an attribute is added unless it is there.
 * @throws invalid when a name is taken, a type contradicts, or there would be too many
 */
export const applyOperations = (before: DeviceShape, operations: readonly UpdateOperation[]): DeviceShape =>
  operations.reduce(applyOperation, before)

function applyOperation(before: DeviceShape, operation: UpdateOperation): DeviceShape {
  switch (operation.operation) {
    case 'set':
      return applySet(before, operation)
    case 'remove':
      return applyRemove(before, operation)
    case 'add':
      return operation.target === 'attribute'
        ? addAttribute(before, operation.value)
        : setSystem(before, operation.value)
  }
}

function applySet(before: DeviceShape, operation: Extract<UpdateOperation, { operation: 'set' }>): DeviceShape {
  switch (operation.target) {
    case 'tag':
      return { ...before, tags: setTag(before.tags, operation.value) }
    case 'attributeTag': {
      const { key, value } = operation.value
      return changeAttribute(before, operation.attributeName, (attribute) => ({
        ...attribute,
        attributeTags: { ...attribute.attributeTags, [key]: value },
      }))
    }
    case 'attributeDescription':
      return changeAttribute(before, operation.attributeName, (attribute) => ({
        ...attribute,
        description: operation.value,
      }))
    case 'attributeContentType':
      return changeAttribute(before, operation.attributeName, (attribute) => ({
        ...attribute,
        contentType: operation.value,
      }))
    case 'attributeName':
      return renameAttribute(before, operation.attributeName, operation.value)
    default:
      return applyPatch(before, { [operation.target]: operation.value })
  }
}

function applyRemove(before: DeviceShape, operation: Extract<UpdateOperation, { operation: 'remove' }>): DeviceShape {
  switch (operation.target) {
    case 'description':
      return { ...before, description: null }
    case 'parentId':
      return { ...before, parentId: null }
    case 'tag':
      return { ...before, tags: before.tags.filter(({ key }) => key !== operation.tagKey) }
    case 'attribute':
      return { ...before, attributes: before.attributes.filter(({ name }) => name !== operation.attributeName) }
    case 'attributeTag':
      return changeAttribute(before, operation.attributeName, ({ attributeTags, ...attribute }) => ({
        ...attribute,
        attributeTags: Object.fromEntries(
          Object.entries(attributeTags ?? {}).filter(([key]) => key !== operation.tagKey),
        ),
      }))
    case 'attributeDescription':
      return changeAttribute(before, operation.attributeName, ({ description: _, ...attribute }) => attribute)
  }
}

function setTag(tags: readonly DeviceTag[], tag: DeviceTag): readonly DeviceTag[] {
  const first = tags.findIndex(({ key }) => key === tag.key)
  if (first < 0 && tags.length >= MAX_TAGS) throw invalid(`A device has at most ${MAX_TAGS} tags`)
  if (first < 0) return [...tags, tag]
  return tags.flatMap((known, index) => {
    if (known.key !== tag.key) return [known]
    return index === first ? [tag] : []
  })
}

function changeAttribute(
  before: DeviceShape,
  name: string,
  change: (attribute: DeviceAttribute) => DeviceAttribute,
): DeviceShape {
  const attributes = before.attributes.map((attribute) => (attribute.name === name ? change(attribute) : attribute))
  return { ...before, attributes }
}

function renameAttribute(before: DeviceShape, from: string, to: string): DeviceShape {
  if (from === to || !has(before, from)) return before
  if (has(before, to)) throw invalid(`attribute "${from}" can't be called "${to}", which another attribute is`)
  return changeAttribute(before, from, (attribute) => ({ ...attribute, name: to }))
}

function addAttribute(before: DeviceShape, attribute: DeviceAttribute): DeviceShape {
  const known = before.attributes.find(({ name }) => name === attribute.name)
  if (known?.dataType === attribute.dataType) return before
  if (known) throw invalid(`attribute "${attribute.name}" is there already, as ${known.dataType}`)
  if (before.attributes.length >= MAX_ATTRIBUTES) throw invalid(`A device has at most ${MAX_ATTRIBUTES} attributes`)
  return { ...before, attributes: [...before.attributes, attribute] }
}

/** How an attribute is made of those below it; the attribute is added where it is missing. */
function setSystem(before: DeviceShape, { system, ...attribute }: DeviceAttribute): DeviceShape {
  const added = addAttribute(before, attribute)
  return system ? changeAttribute(added, attribute.name, (known) => ({ ...known, system })) : added
}

const has = ({ attributes }: DeviceShape, name: string) => attributes.some((attribute) => attribute.name === name)
