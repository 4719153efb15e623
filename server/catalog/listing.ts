/** Paging, sorting and filtering, the same for every list (behaviour dossier §6.5). */

import { givenFilter, globToLike } from '../ground/glob.ts'
import { prepared, type Queryable } from '../stores/postgres/database.ts'

export interface ListQuery {
  readonly sortField?: string
  readonly sortDirection?: string
  readonly page?: string
  readonly perPage?: string
  readonly filterField?: string
  readonly filter?: string
}

/** What a list answers about itself, beside its items. */
export interface Page<T> {
  items: T[]
  count: number
  totalCount: number
  perPage: number
  page: number
  sortField: string
  sortDirection: string
  filter?: string
  filterField?: string
}

export interface ListSource {
  /** Trusted SQL: table and conditions, with `$1…` for `values`. */
  readonly from: string
  readonly values: readonly unknown[]
  /** Where lists are asked for often: their statements are then prepared, of which there must not be many. */
  readonly columns?: string
  /** SQL of each field that may be sorted by; the first one is the default. */
  readonly sort: Readonly<Record<string, string>>
  readonly defaultSort: string
  /** SQL of each field that may be filtered by; the first one is the default. Only names, unless it says more. */
  readonly filters?: Readonly<Record<string, string>>
  /** false when no sort field is ever null; then an index can be read from either end. */
  readonly hasNulls?: boolean
}

const DEFAULT_PER_PAGE = 100
const MAX_PER_PAGE = 1000
const MAX_PAGE = 1_000_000

/** One page of a source; text that is no number falls back to the default, as in the original. */
export async function listPage<Row, T>(
  db: Queryable,
  source: ListSource,
  query: ListQuery,
  toItem: (row: Row) => T,
): Promise<Page<T>> {
  const sortField =
    query.sortField && Object.hasOwn(source.sort, query.sortField) ? query.sortField : source.defaultSort
  const sortDirection = directionOf(query.sortDirection)
  const perPage = wholeNumber(query.perPage, DEFAULT_PER_PAGE, 1, MAX_PER_PAGE)
  const page = wholeNumber(query.page, 0, 0, MAX_PAGE)
  const values = [...source.values]
  let from = source.from
  const { filters = { name: 'name' } } = source
  const [firstFilter = 'name'] = Object.keys(filters)
  const filterField = query.filterField && Object.hasOwn(filters, query.filterField) ? query.filterField : firstFilter
  const filter = givenFilter(query.filter)
  if (filter !== undefined) {
    values.push(globToLike(filter))
    // Half the time of ilike, which folds the pattern anew for every row.
    from += ` and lower(${filters[filterField]}) like lower($${values.length})`
  }
  const nulls = source.hasNulls === false ? '' : 'nulls last'
  const offset = page * perPage
  // One more than is shown: most lists end with their first page, and then need not be counted.
  const text = `select ${source.columns ?? '*'} from ${from}
     order by ${source.sort[sortField]} ${sortDirection} ${nulls}, id ${sortDirection}
     limit $${values.length + 1} offset $${values.length + 2}`
  const found = await db.query<Row>(source.columns ? prepared(text) : text, [...values, perPage + 1, offset])
  const rows = found.slice(0, perPage)
  const isEnd = found.length <= perPage && (found.length > 0 || page === 0)
  const totalCount = isEnd ? offset + found.length : await countOf(db, from, values)
  return {
    items: rows.map(toItem),
    count: rows.length,
    totalCount,
    perPage,
    page,
    sortField,
    sortDirection,
    ...(filter !== undefined ? { filter, filterField } : {}),
  }
}

async function countOf(db: Queryable, from: string, values: readonly unknown[]): Promise<number> {
  const row = await db.one<{ count: number }>(`select count(*)::int as count from ${from}`, values)
  return row?.count ?? 0
}

/** The direction of a query parameter, in any case; the default when it is none. */
export function directionOf(text: string | undefined, fallback: 'asc' | 'desc' = 'asc'): 'asc' | 'desc' {
  const word = text?.toLowerCase()
  return word === 'asc' || word === 'desc' ? word : fallback
}

/** A whole number of a query parameter, brought into a range; the default when it is none. */
export function wholeNumber(text: string | undefined, fallback: number, from: number, to: number): number {
  const number = text === undefined || text.trim() === '' ? Number.NaN : Number(text)
  return Number.isFinite(number) ? Math.min(to, Math.max(from, Math.floor(number))) : fallback
}
