/** What the scope of a token may be: words that its kind knows, and nothing that its maker may not. Pure. */

import type { Route } from '../../contract/route.ts'
import {
  APPLICATION_KINDS,
  APPLICATION_WORDS,
  INSTANCE_KINDS,
  SESSION_WORDS,
  USER_KINDS,
  USER_WORDS,
} from '../../contract/scope-words.ts'
import { forbidden, invalid } from '../ground/errors.ts'
import { allows } from './scopes.ts'

/** Whose token it is. */
export type TokenKind = 'application' | 'user'

/** And that of a user who signs in. */
type ScopeKind = TokenKind | 'session'

/** What decides of an operation who may ask for it. */
export type Operation = Pick<Route, 'path' | 'scopes'>

const KINDS: Record<ScopeKind, readonly string[]> = {
  application: APPLICATION_KINDS,
  user: [...APPLICATION_KINDS, ...USER_KINDS],
  session: [...APPLICATION_KINDS, ...USER_KINDS, ...INSTANCE_KINDS],
}
const PUBLISHED: Record<ScopeKind, ReadonlySet<string>> = {
  application: new Set(APPLICATION_WORDS),
  user: new Set(USER_WORDS),
  session: new Set(SESSION_WORDS),
}

/** A token of an application is for what is about one; at everything else it is refused, whatever it says. */
const isReached = (kind: ScopeKind, { path }: Operation) =>
  kind !== 'application' || path.startsWith('/applications/:applicationId')

const isWhole = (word: string) => word.startsWith('all.') || word.startsWith('only.')

/** Every word that a kind of token may have: the published ones, and those of our own operations. */
function wordsOf(kind: ScopeKind, operations: readonly Operation[]): Set<string> {
  const own = operations.filter((operation) => isReached(kind, operation)).flatMap(({ scopes }) => scopes)
  return new Set([...PUBLISHED[kind], ...own.filter((word) => !isWhole(word))])
}

/** @throws invalid naming a word that this kind of token can't have, and those that it can, `field` being the list */
export function requireWords(
  scope: readonly string[],
  kind: ScopeKind,
  operations: readonly Operation[],
  field: string,
): void {
  const words = wordsOf(kind, operations)
  const index = scope.findIndex((word) => !words.has(word))
  if (index < 0) return
  const resource = String(scope[index]).split('.')[0]
  const near = [...words].filter((word) => !isWhole(word) && word.startsWith(`${resource}.`))
  const allowed =
    near.length > 0
      ? near.join(', ')
      : `${KINDS[kind].join(', ')}, and <resource>.* or <resource>.<action> as in notebook.* and notebook.execute`
  throw invalid(`${field}.${index} is not a scope that a token of this kind can have; allowed are ${allowed}`)
}

/**
 * Refuses a scope that allows an operation which its maker's does not. Words that allow nothing here could allow
 * something in a later version, so they too have to be within what the maker has.
 * @throws forbidden naming a word that is too much
 */
export function requireNoMore(
  scope: readonly string[],
  held: readonly string[],
  kind: TokenKind,
  operations: readonly Operation[],
): void {
  const tooMuch = scope.find((word) => exceeds(word, held, kind, operations))
  if (tooMuch === undefined) return
  throw forbidden(`A token may do no more than the one it is made with, and ${tooMuch} would; ask for a smaller scope`)
}

/** What a device may that signs in with an access key and asks for no less. */
const OF_KEYS = 'all.Device'

/**
 * Refuses to make an access key where devices that sign in with it could do what its maker may not.
 * @throws forbidden
 */
export function requireAllOfDevices(held: readonly string[], operations: readonly Operation[]): void {
  if (!exceeds(OF_KEYS, held, 'application', operations)) return
  throw forbidden(
    `An access key gives its devices all that ${OF_KEYS} allows, which is more than this token may; make it with one that may as much`,
  )
}

function exceeds(word: string, held: readonly string[], kind: TokenKind, operations: readonly Operation[]): boolean {
  const allowed = operations.filter((operation) => isReached(kind, operation) && operation.scopes.includes(word))
  if (allowed.length > 0) return allowed.some(({ scopes }) => !allows(held, scopes))
  const ofApplications = PUBLISHED.application.has(word)
  const whole = ofApplications ? ['all.Application', 'all.Organization', 'all.User'] : ['all.User', 'only.User']
  return !allows(held, [word, `${word.split('.')[0]}.*`, ...whole])
}
