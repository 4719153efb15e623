/**
 * Whether somebody is who they say: an address or a user, a password, and a code where the user has a second factor. Every
 * refusal does the same work, whether the address is known, unknown, or of a user who was shut out: the same statements, and
 * one look at a password.
 */

import { AppError, secondFactorNeeded, unauthenticated } from '../ground/errors.ts'
import type { Database } from '../stores/postgres/database.ts'
import { type Attempt, countAttempt, forgiveAttempt, settleAttempt } from './attempts.ts'
import type { Passwords } from './passwords.ts'
import { takeCode } from './two-factor.ts'
import type { Vault } from './vault.ts'

export interface AccountParts {
  readonly db: Database
  readonly passwords: Passwords
  readonly vault: Vault
}

export interface Proof {
  readonly password: string
  /** Empty is as good as absent. */
  readonly twoFactorCode?: string | undefined
}

/** What a token of a session says of its user. */
export interface SignedIn {
  readonly userId: string
  readonly generation: number
}

/** What a proof came to. */
type Verdict = 'right' | 'wrongPassword' | 'codeMissing' | 'wrongCode'

interface UserRow {
  readonly id: string
  readonly generation: number
  /** Of one who was invited and has not chosen a password there is none. */
  readonly password_hash: string | null
  readonly is_disabled: boolean
}

const USER = 'select id, generation, password_hash, disabled_at is not null as is_disabled from users'

/**
 * The user with this e-mail address, in small letters or capitals, who proves it; `network` is where they ask from, one text for all addresses of a client.
 * @throws unauthenticated, secondFactorNeeded, locked, unavailable
 */
export async function signIn(parts: AccountParts, email: string, proof: Proof, network: string): Promise<SignedIn> {
  const user = await parts.db.one<UserRow>(`${USER} where lower(email) = lower($1)`, [email])
  const verdict = await judge(parts, user, user?.id ?? email.toLowerCase(), proof, network)
  if (verdict === 'codeMissing') throw secondFactorNeeded()
  if (verdict === 'wrongCode') throw unauthenticated('twoFactorCode is wrong, or was used before')
  if (!user || verdict !== 'right') throw unauthenticated('The email or password is wrong')
  return { userId: user.id, generation: user.generation }
}

/**
 * Lets a signed-in user through who proves it again, for what a stolen token alone must not do; `field` is what messages
 * call the proof. @throws AppError invalid naming what is wrong, locked, unavailable
 */
export async function proveAgain(
  parts: AccountParts,
  userId: string,
  proof: Proof,
  network: string,
  field: string,
): Promise<void> {
  const user = await parts.db.one<UserRow>(`${USER} where id = $1`, [userId])
  const verdict = await judge(parts, user, userId, proof, network)
  if (verdict === 'right') return
  throw new AppError('invalid', `${field}.${REFUSALS[verdict]}`)
}

const REFUSALS = {
  wrongPassword: 'password is not the current password',
  codeMissing: 'twoFactorCode is required, because two-factor authentication is enabled',
  wrongCode: 'twoFactorCode is wrong, or was used before',
} as const

async function judge(
  parts: AccountParts,
  user: UserRow | undefined,
  account: string,
  proof: Proof,
  network: string,
): Promise<Verdict> {
  const attempt = await countAttempt(parts.db, parts.vault, account, network)
  let verdict: Verdict
  try {
    const matches = await parts.passwords.matches(user?.password_hash ?? undefined, proof.password, network)
    if (!user || !matches || user.is_disabled) return 'wrongPassword'
    verdict = await judgeCode(parts, user.id, proof.twoFactorCode)
  } catch (error) {
    await forgiveAttempt(parts.db, attempt)
    throw error
  }
  await conclude(parts, attempt, verdict)
  return verdict
}

async function judgeCode(parts: AccountParts, userId: string, code: string | undefined): Promise<Verdict> {
  const taken = await takeCode(parts, userId, code?.trim() || undefined, new Date())
  return taken === 'notNeeded' || taken === 'right' ? 'right' : taken
}

/** A password alone proves nothing where a code is due; without one nothing is counted, or asking for it would lock. */
async function conclude({ db }: AccountParts, attempt: Attempt, verdict: Verdict): Promise<void> {
  if (verdict === 'right') await settleAttempt(db, attempt)
  if (verdict === 'codeMissing') await forgiveAttempt(db, attempt)
}
