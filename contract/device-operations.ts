/** The single changes that a bulk change of devices is made of: set, remove and add, each of one thing. */

import { type Static, type TObject, type TProperties, type TSchema, Type } from 'typebox'
import { AttributeTag, DeviceAttribute, DeviceClass, DeviceTag } from './devices.ts'
import { closed, Description, Key, Name, ObjectId } from './shapes.ts'

const set = <T extends string, V extends TSchema>(target: T, value: V) =>
  Type.Object({ operation: Type.Literal('set'), target: Type.Literal(target), value }, closed)

const setOfAttribute = <T extends string, V extends TSchema>(target: T, value: V) =>
  Type.Object({ operation: Type.Literal('set'), target: Type.Literal(target), attributeName: Key, value }, closed)

const remove = <T extends string, P extends TProperties>(target: T, rest: P) =>
  Type.Object({ operation: Type.Literal('remove'), target: Type.Literal(target), ...rest }, closed)

const add = <T extends string>(target: T) =>
  Type.Object({ operation: Type.Literal('add'), target: Type.Literal(target), value: DeviceAttribute }, closed)

/** The branch that is meant is found by its target, so that a refusal speaks of that branch. */
const byTarget = <T extends TObject[]>(operation: string, ...branches: [...T]) =>
  Type.Unsafe<Static<T[number]>>({
    type: 'object',
    properties: { operation: { const: operation } },
    discriminator: { propertyName: 'target' },
    required: ['target'],
    oneOf: branches,
  } as unknown as TSchema)

const SetOperation = byTarget(
  'set',
  set('name', Name),
  set('deviceClass', DeviceClass),
  set('description', Description),
  set('gatewayId', ObjectId),
  set('parentId', ObjectId),
  set('systemInterval', Type.Integer({ minimum: 5, maximum: 3600 })),
  set('keepDuplicates', Type.Boolean()),
  set('tag', DeviceTag),
  setOfAttribute('attributeTag', AttributeTag),
  setOfAttribute('attributeDescription', Description),
  setOfAttribute('attributeContentType', Type.String({ minLength: 1, maxLength: 64 })),
  setOfAttribute('attributeName', Key),
)

const RemoveOperation = byTarget(
  'remove',
  remove('description', {}),
  remove('parentId', {}),
  remove('tag', { tagKey: Key }),
  remove('attribute', { attributeName: Key }),
  remove('attributeTag', { attributeName: Key, tagKey: Key }),
  remove('attributeDescription', { attributeName: Key }),
)

const AddOperation = byTarget('add', add('attribute'), add('attributeSystem'))

export const UpdateOperation = Type.Unsafe<
  Static<typeof SetOperation> | Static<typeof RemoveOperation> | Static<typeof AddOperation>
>({
  type: 'object',
  discriminator: { propertyName: 'operation' },
  required: ['operation'],
  oneOf: [SetOperation, RemoveOperation, AddOperation],
} as unknown as TSchema)
export type UpdateOperation = Static<typeof UpdateOperation>
