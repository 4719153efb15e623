/**
 * API tokens: made, listed, changed and deleted. Of a token there is only a row here; its text is signed when it is made
 * and kept nowhere. Whether it is still good is asked of the row with each request (access/entry.ts).
 */

import type { ApiToken, ApiTokenPatch, ApiTokenPost } from '../../contract/api-tokens.ts'
import { type Actor, actorOf, type Caller } from '../access/callers.ts'
import { type Operation, requireNoMore, requireWords, type TokenKind } from '../access/scope-words.ts'
import type { Tokens } from '../access/tokens.ts'
import { forbidden, full, invalid, notFound } from '../ground/errors.ts'
import { newId } from '../ground/ids.ts'
import type { Database, Queryable } from '../stores/postgres/database.ts'
import { sourceOf } from './event-record.ts'
import { type ListQuery, listPage, type Page } from './listing.ts'

/** Whose tokens are meant. */
export interface TokenOwner {
  readonly type: TokenKind
  readonly id: string
}

/** Of one owner: more than anybody keeps apart, few enough to be listed. */
export const MAX_TOKENS = 1000

const DEFAULT_SCOPE: Record<TokenKind, string> = { application: 'all.Application', user: 'all.User' }

interface TokenRow {
  id: string
  application_id: string | null
  user_id: string | null
  creator_type: 'user' | 'apiToken'
  creator_id: string
  creator_name: string
  name: string
  description: string | null
  scope: string[]
  status: 'active' | 'inactive'
  expires_at: Date | null
  created_at: Date
  updated_at: Date
}

const toApiToken = (row: TokenRow): ApiToken => ({
  id: row.id,
  apiTokenId: row.id,
  ownerId: row.application_id ?? row.user_id ?? '',
  ownerType: row.application_id === null ? 'user' : 'application',
  creatorId: row.creator_id,
  creatorType: row.creator_type,
  creatorName: row.creator_name,
  name: row.name,
  ...(row.description === null ? {} : { description: row.description }),
  creationDate: row.created_at.toISOString(),
  lastUpdated: row.updated_at.toISOString(),
  ...(row.expires_at === null ? {} : { expirationDate: row.expires_at.toISOString() }),
  scope: row.scope,
  status: row.status,
})

const TABLES: Record<TokenKind, string> = {
  application: 'applications where id = $1 and deleted_at is null',
  user: 'users where id = $1',
}
const OWNED: Record<TokenKind, string> = { application: 'application_id', user: 'user_id' }

export interface TokenMaking {
  readonly db: Database
  readonly tokens: Tokens
  /** Every operation there is: what a scope comes to. */
  readonly operations: readonly Operation[]
}

/**
 * Makes a token and gives it with its text, which nobody can be told again. It may do no more than the caller, and when
 * that is a token itself, for no longer.
 * @throws invalid for unknown scopes and a time that is over, forbidden for more than the caller has, full
 */
export async function createApiToken(
  { db, tokens, operations }: TokenMaking,
  owner: TokenOwner,
  caller: Caller,
  post: ApiTokenPost,
  now: Date,
): Promise<ApiToken> {
  requireNoOrganizations(post)
  const scope = post.scope?.length ? post.scope : [DEFAULT_SCOPE[owner.type]]
  requireWords(scope, owner.type, operations, 'apiToken.scope')
  requireNoMore(scope, caller.scope, owner.type, operations)
  const expiresAt = readExpiry(post.expirationDate, now)
  const maker = actorOf(caller)
  const row = await db.transaction(async (tx) => {
    await requireTime(tx, maker, expiresAt)
    await requirePlace(tx, owner)
    const { sourceName } = await sourceOf(tx, maker)
    const [made] = await tx.query<TokenRow>(
      `insert into api_tokens (id, ${OWNED[owner.type]}, creator_type, creator_id, creator_name, name, description, scope,
         status, expires_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning *`,
      [
        newId(now),
        owner.id,
        maker.type,
        maker.id,
        sourceName,
        post.name,
        post.description ?? null,
        scope,
        post.status ?? 'active',
        expiresAt ?? null,
      ],
    )
    if (!made) throw new Error('the insert gave no row')
    return made
  })
  return { ...toApiToken(row), token: await tokens.sign(callerOf(owner, row), secondsUntil(expiresAt, now)) }
}

/** A page of the tokens of an application or a user. */
export async function listApiTokens(
  db: Queryable,
  owner: TokenOwner,
  query: ListQuery,
): Promise<Page<ApiToken> & { ownerId: string; ownerType: TokenKind }> {
  const source = {
    from: `api_tokens where ${OWNED[owner.type]} = $1`,
    values: [owner.id],
    sort: {
      name: 'name',
      status: 'status',
      id: 'id',
      creationDate: 'created_at',
      lastUpdated: 'updated_at',
      expirationDate: 'expires_at',
    },
    defaultSort: 'name',
    filters: { name: 'name', status: 'status' },
    hasNulls: query.sortField === 'expirationDate',
  }
  return { ...(await listPage(db, source, query, toApiToken)), ownerId: owner.id, ownerType: owner.type }
}

/** @throws notFound, for one of another owner as well */
export async function getApiToken(db: Queryable, owner: TokenOwner, id: string): Promise<ApiToken> {
  const row = await db.one<TokenRow>(`select * from api_tokens where id = $1 and ${OWNED[owner.type]} = $2`, [
    id,
    owner.id,
  ])
  if (!row) throw notFound('API token')
  return toApiToken(row)
}

/** Changes what is given, leaves the rest. @throws notFound */
export async function patchApiToken(
  db: Queryable,
  owner: TokenOwner,
  id: string,
  patch: ApiTokenPatch,
): Promise<ApiToken> {
  requireNoOrganizations(patch)
  const row = await db.one<TokenRow>(
    `update api_tokens set name = coalesce($3, name), description = coalesce($4, description),
       status = coalesce($5, status), updated_at = now()
     where id = $1 and ${OWNED[owner.type]} = $2 returning *`,
    [id, owner.id, patch.name ?? null, patch.description ?? null, patch.status ?? null],
  )
  if (!row) throw notFound('API token')
  return toApiToken(row)
}

/** @throws notFound */
export async function deleteApiToken(db: Queryable, owner: TokenOwner, id: string): Promise<void> {
  const row = await db.one(`delete from api_tokens where id = $1 and ${OWNED[owner.type]} = $2 returning id`, [
    id,
    owner.id,
  ])
  if (!row) throw notFound('API token')
}

function requireNoOrganizations({ orgRoles, defaultRole }: ApiTokenPatch): void {
  const [field] = [...(orgRoles?.length ? ['orgRoles'] : []), ...(defaultRole ? ['defaultRole'] : [])]
  if (!field) return
  throw invalid(
    `apiToken.${field} must be left out: there are no organizations here; a scope as all.User.read bounds a token`,
  )
}

function readExpiry(text: string | undefined, now: Date): Date | undefined {
  if (text === undefined) return undefined
  const expiresAt = new Date(text)
  if (expiresAt > now) return expiresAt
  throw invalid('apiToken.expirationDate must be a time to come')
}

/** When the token ends in whose name something is done; undefined for one that does not, and for whoever is none. */
export async function endOf(db: Queryable, { type, id }: Actor): Promise<Date | undefined> {
  if (type !== 'apiToken') return undefined
  const token = await db.one<{ expires_at: Date | null }>('select expires_at from api_tokens where id = $1', [id])
  return token?.expires_at ?? undefined
}

/** A token that could make others which outlive it would have no end: whoever found it had one of their own. */
async function requireTime(tx: Queryable, maker: Actor, expiresAt: Date | undefined): Promise<void> {
  const end = await endOf(tx, maker)
  if (end && (!expiresAt || expiresAt > end)) {
    throw forbidden(
      `A token may last no longer than the one it is made with: apiToken.expirationDate is ${end.toISOString()} at most`,
    )
  }
}

/** Counted with the owner held, so that of two at once only one takes the last place. @throws full, notFound */
async function requirePlace(tx: Queryable, owner: TokenOwner): Promise<void> {
  const held = await tx.one(`select id from ${TABLES[owner.type]} for no key update`, [owner.id])
  if (!held) throw notFound(owner.type === 'user' ? 'User' : 'Application')
  const used = await tx.one<{ count: number }>(
    `select count(*)::int as count from api_tokens where ${OWNED[owner.type]} = $1`,
    [owner.id],
  )
  if (!used || used.count < MAX_TOKENS) return
  throw full(
    `There are ${used.count} API tokens of this ${owner.type}, and at most ${MAX_TOKENS} are allowed; delete one first`,
    {
      name: 'apiTokens',
      of: owner.type === 'user' ? 'resource' : 'application',
      allowed: MAX_TOKENS,
      used: used.count,
    },
  )
}

/** What the token says of its bearer. */
const callerOf = ({ type, id }: TokenOwner, row: TokenRow): Caller =>
  type === 'user'
    ? { kind: 'user', userId: id, tokenId: row.id, scope: row.scope }
    : { kind: 'application', applicationId: id, tokenId: row.id, scope: row.scope }

/** Of the token's own clock, in whole seconds; the row knows the moment more exactly. 0 is no end. */
const secondsUntil = (expiresAt: Date | undefined, now: Date) =>
  expiresAt ? Math.ceil((expiresAt.getTime() - now.getTime()) / 1000) : 0
