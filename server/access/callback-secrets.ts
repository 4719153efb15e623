/**
 * What the callbacks of each application are signed with. Derived from a key that never leaves the service, the id of the
 * application and how often it was replaced: whoever knows one of them knows no other, and the database holds none.
 */

import { createHmac } from 'node:crypto'
import { notFound } from '../ground/errors.ts'
import type { Queryable } from '../stores/postgres/database.ts'

export interface SecretsOfApplication {
  /** 64 hexadecimal digits; the text itself is the key. */
  readonly current: string
  readonly rotatedAt: Date | undefined
  /** The one before, while callbacks are signed with both. */
  readonly previous: { readonly secret: string; readonly until: Date } | undefined
}

export interface CallbackSecrets {
  /** Those that a callback is signed with now. */
  inUse(db: Queryable, applicationId: string): Promise<readonly string[]>
  of(db: Queryable, applicationId: string): Promise<SecretsOfApplication>
  /** Replaces the secret. @throws notFound when there is no such application */
  rotate(db: Queryable, applicationId: string): Promise<SecretsOfApplication>
}

/** How long receivers have to learn of a new secret. */
const OVERLAP_MS = 86_400_000

interface Row {
  generation: number
  rotated_at: Date
}

/** Over a key of at least 32 bytes. */
export function createCallbackSecrets(key: Buffer, now: () => Date = () => new Date()): CallbackSecrets {
  const derive = (applicationId: string, generation: number) =>
    createHmac('sha256', key).update(`fieldbook callback secret\n${applicationId}\n${generation}`).digest('hex')
  const secretsOf = (applicationId: string, row: Row | undefined): SecretsOfApplication => {
    const generation = row?.generation ?? 0
    const until = row ? new Date(row.rotated_at.getTime() + OVERLAP_MS) : undefined
    return {
      current: derive(applicationId, generation),
      rotatedAt: row?.rotated_at,
      previous: until && until > now() ? { secret: derive(applicationId, generation - 1), until } : undefined,
    }
  }
  const of: CallbackSecrets['of'] = async (db, applicationId) => {
    const row = await db.one<Row>('select generation, rotated_at from callback_secrets where application_id = $1', [
      applicationId,
    ])
    return secretsOf(applicationId, row)
  }
  return {
    of,
    inUse: async (db, applicationId) => {
      const { current, previous } = await of(db, applicationId)
      return previous ? [current, previous.secret] : [current]
    },
    rotate: async (db, applicationId) => {
      const row = await db.one<Row>(
        `insert into callback_secrets (application_id, generation) select id, 1 from applications where id = $1
         on conflict (application_id) do update
           set generation = callback_secrets.generation + 1, rotated_at = clock_timestamp()
         returning generation, rotated_at`,
        [applicationId],
      )
      if (!row) throw notFound('Application')
      return secretsOf(applicationId, row)
    },
  }
}
