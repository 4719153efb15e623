/** What a query means, as naively as it can be said: one document against one query, in JavaScript. */

export interface Doc {
  readonly id: number
  readonly s: string | null
  readonly n: number | null
  readonly b: boolean | null
  /** Epoch milliseconds. */
  readonly t: number | null
  readonly ref: string | null
  readonly many: readonly string[]
  readonly tags: readonly { key: string; value: string }[]
  readonly map: Readonly<Record<string, string>>
}

type Value = string | number | boolean
type Query = Readonly<Record<string, unknown>>

export function matches(doc: Doc, query: Query): boolean {
  return Object.entries(query).every(([name, value]) => {
    if (name === '$and') return listOf(value).every((part) => matches(doc, part))
    if (name === '$or') return listOf(value).some((part) => matches(doc, part))
    if (name === '$nor') return !listOf(value).some((part) => matches(doc, part))
    if (name === 'tags') return tagged(doc.tags, value)
    if (name === 'map')
      return tagged(
        Object.entries(doc.map).map(([key, text]) => ({ key, value: text })),
        value,
      )
    if (name === 'many') return operatorsOf(value).every(([operator, operand, ci]) => many(doc, operator, operand, ci))
    const field = name as 's' | 'n' | 'b' | 't' | 'ref' // the tests' queries ask about nothing else
    return operatorsOf(value).every(([operator, operand, ci]) => scalar(field, doc[field], operator, operand, ci))
  })
}

const listOf = (value: unknown) => value as Query[]

function operatorsOf(value: unknown): [string, unknown, boolean][] {
  if (typeof value !== 'object' || value === null) return [['$eq', value, false]]
  const { $ci, ...operators } = value as Record<string, unknown>
  return Object.entries(operators).map(([operator, operand]) => [operator, operand, $ci === true])
}

function many({ many }: Doc, operator: string, operand: unknown, ci: boolean): boolean {
  const some = (positive: string) => many.some((item) => scalar('s', item, positive, operand, ci))
  if (operator === '$ne') return operand === null ? many.length > 0 : !some('$eq')
  if (operator === '$nin') return !some('$in')
  if (operand === null) return ['$eq', '$gte', '$lte'].includes(operator) && many.length === 0
  return some(operator)
}

function scalar(field: string, stored: Value | null, operator: string, operand: unknown, ci: boolean): boolean {
  const fold = (value: Value | null) => (ci && typeof value === 'string' ? value.toLowerCase() : value)
  const same = (value: unknown) => stored !== null && fold(stored) === fold(typed(field, value))
  const order = operand === null || stored === null ? Number.NaN : compare(stored, typed(field, operand))
  const bothNull = operand === null && stored === null
  const textual = (test: (text: string, part: string) => boolean) =>
    typeof stored === 'string' && field !== 'ref' && test(String(fold(stored)), String(fold(operand as string)))
  switch (operator) {
    case '$eq':
      return bothNull || same(operand)
    case '$ne':
      return !(bothNull || same(operand))
    case '$gt':
      return order > 0
    case '$gte':
      return bothNull || order >= 0
    case '$lt':
      return order < 0
    case '$lte':
      return bothNull || order <= 0
    case '$in':
      return (operand as unknown[]).some(same)
    case '$nin':
      return !(operand as unknown[]).some(same)
    case '$startsWith':
      return textual((text, part) => text.startsWith(part))
    case '$endsWith':
      return textual((text, part) => text.endsWith(part))
    case '$contains':
      return textual((text, part) => text.includes(part))
    default:
      throw new Error(`the model does not know ${operator}`)
  }
}

/** The operand in the field's type; null when it has another. */
function typed(field: string, value: unknown): Value | null {
  if (field === 't') {
    if (typeof value === 'number') return value
    if (typeof value !== 'string') return null
    return /^-?\d+$/.test(value) ? Number(value) : Date.parse(value)
  }
  if (field === 'ref') return String(value).toLowerCase()
  const type = { s: 'string', n: 'number', b: 'boolean' }[field]
  return typeof value === type ? (value as Value) : null
}

function compare(stored: Value, operand: Value | null): number {
  if (operand === null || typeof operand !== typeof stored) return Number.NaN
  if (typeof stored === 'string') return Buffer.compare(Buffer.from(stored), Buffer.from(String(operand)))
  return Number(stored) - Number(operand)
}

type Tag = { readonly key: string; readonly value: string }

function tagged(tags: readonly Tag[], asked: unknown): boolean {
  if (asked === null) return tags.length === 0
  const query = asked as Query
  if ('$eq' in query) return tagged(tags, query['$eq'])
  if ('$ne' in query) return !tagged(tags, query['$ne'])
  if ('$tagKey' in query || '$tagValue' in query) return pattern(tags, query['$tagKey'], query['$tagValue'])
  return Object.entries(query).every(([key, value]) => pattern(tags, key, value))
}

function pattern(tags: readonly Tag[], key: unknown, value: unknown): boolean {
  const meant = tags.filter((tag) => positive(tag.key, key) && positive(tag.value, value))
  const denials = [...denialOf(key, ({ key }) => key), ...denialOf(value, ({ value }) => value)]
  return denials.length === 0 ? meant.length > 0 : denials.every((denied) => !meant.some(denied))
}

function positive(text: string, asked: unknown): boolean {
  if (typeof asked === 'string') return text === asked
  const list = (asked as Query | null | undefined)?.['$in']
  return Array.isArray(list) ? list.includes(text) : true
}

function denialOf(asked: unknown, textOf: (tag: Tag) => string): ((tag: Tag) => boolean)[] {
  if (asked === null) return [() => true]
  const list = (asked as Query | undefined)?.['$nin']
  return Array.isArray(list) ? [(tag) => list.includes(textOf(tag))] : []
}
