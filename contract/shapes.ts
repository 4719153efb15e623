/** The small shapes every part of the contract is made of, with the limits and spellings of the published API. */

import { type Static, type TSchema, Type } from 'typebox'

export const closed = { additionalProperties: false } as const

export const ObjectId = Type.String({ pattern: '^[A-Fa-f\\d]{24}$', description: '24 hexadecimal digits' })
export const DateTime = Type.String({ format: 'date-time' })
export const Name = Type.String({ minLength: 1, maxLength: 255 })
export const Description = Type.String({ maxLength: 32767 })
export const MediumText = Type.String({ minLength: 1, maxLength: 1024 })
export const Email = Type.String({ format: 'email', maxLength: 1024 })
export const Url = Type.String({ format: 'uri', maxLength: 1024 })
/** Where bytes are; may be longer than what others give us. */
export const Link = Type.String({ format: 'uri' })
export const Key = Type.String({
  pattern: '^[0-9a-zA-Z_-]{1,255}$',
  description: '1 to 255 letters, digits, "_" or "-"',
})
export const QueryJson = Type.String({ maxLength: 8192 })

/** A Handlebars template: anything with a non-empty `{{…}}` in it, 4 to 255 characters. */
const TEMPLATE = '(?=.{4,255}$).*\\{\\{.+\\}\\}.*'

/** A literal or a template as one pattern, so that a refusal can say in one sentence what is allowed. */
export const SafeFileName = Type.String({
  pattern: `^(?:(?!\\.{1,2}$)[0-9a-zA-Z_.-]{1,255}|${TEMPLATE})$`,
  description: 'a file name of 1 to 255 letters, digits, "_", "." or "-" (not "." or ".."), or a {{template}}',
})
export const ObjectIdOrTemplate = Type.String({
  pattern: `^(?:[A-Fa-f\\d]{24}|${TEMPLATE})$`,
  description: 'an id of 24 hexadecimal digits, or a {{template}}',
})
export const KeyOrTemplate = Type.String({
  pattern: `^(?:[0-9a-zA-Z_-]{1,255}|${TEMPLATE})$`,
  description: '1 to 255 letters, digits, "_" or "-", or a {{template}}',
})

/** A closed set of words as a JSON Schema `enum`, which reports itself better than a union of literals. */
export const words = <const T extends string>(...values: T[]) =>
  Type.Unsafe<T>({ type: 'string', enum: values } as unknown as TSchema)

/** One branch is chosen by the named property, so that a refusal can speak of the branch that was meant. */
export const taggedUnion = <T extends TSchema[]>(propertyName: string, branches: [...T]) =>
  Type.Unsafe<Static<T[number]>>({
    type: 'object',
    discriminator: { propertyName },
    required: [propertyName],
    oneOf: branches,
  } as unknown as TSchema)

/** Text that is never empty. */
export const Text = Type.String({ minLength: 1 })

/** How many there are of something. */
export const Count = Type.Integer({ minimum: 0 })

/** A moment in a query parameter; empty is as good as absent. */
export const MomentText = Type.String({ maxLength: 1024 })

/** A moment as the original takes it: ISO text, epoch milliseconds or seconds, a negative offset from now, or `{$date}`. */
export const TimeFormats = Type.Union([
  Type.String({ maxLength: 255 }),
  Type.Number(),
  Type.Object({ $date: Type.String({ maxLength: 255 }) }, closed),
])
export type TimeFormats = Static<typeof TimeFormats>

/** Query parameters of whatever is read back by time: how many, which way, and a range in one of three spellings. */
export const RangeQuery = Type.Object({
  limit: Type.Optional(Type.String({ maxLength: 20 })),
  since: Type.Optional(MomentText),
  sortDirection: Type.Optional(words('asc', 'desc', 'ASC', 'DESC', '')),
  duration: Type.Optional(Type.String({ maxLength: 20 })),
  start: Type.Optional(MomentText),
  end: Type.Optional(MomentText),
})
export type RangeQuery = Static<typeof RangeQuery>

export const SourceType = Type.Union([
  Type.Literal('flow'),
  Type.Literal('user'),
  Type.Literal('device'),
  Type.Literal('apiToken'),
  Type.Literal('notebook'),
])

export const Success = Type.Object({ success: Type.Literal(true) })

/** Query parameters of every list: text on the wire, as the official clients send them. */
export const listQuery = <T extends string>(sortFields: T[], filterFields: string[]) =>
  Type.Object({
    sortField: Type.Optional(words(...sortFields)),
    sortDirection: Type.Optional(words('asc', 'desc', 'ASC', 'DESC')),
    page: Type.Optional(Type.String({ maxLength: 20 })),
    perPage: Type.Optional(Type.String({ maxLength: 20 })),
    filterField: Type.Optional(words('', ...filterFields)),
    filter: Type.Optional(Type.String({ maxLength: 255 })),
  })

/** What a list answers besides its items. */
export const listReply = <T extends TSchema>(item: T) =>
  Type.Object({
    items: Type.Array(item),
    count: Count,
    totalCount: Count,
    perPage: Type.Integer({ minimum: 1, maximum: 1000 }),
    page: Count,
    filter: Type.Optional(Type.String()),
    filterField: Type.Optional(Type.String()),
    sortField: Text,
    sortDirection: words('asc', 'desc'),
    applicationId: Type.Optional(ObjectId),
  })
