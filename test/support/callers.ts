/** Callers of every kind in one application, with the rows that make them good, and tokens of any scope for each. */

import type { Caller } from '../../server/access/callers.ts'
import type { Tokens } from '../../server/access/tokens.ts'
import { newId } from '../../server/ground/ids.ts'
import type { Database } from '../../server/stores/postgres/database.ts'
import { makeDevice, makeUser } from './make.ts'

/** A token with exactly this scope. */
export type Sign = (scope: readonly string[]) => Promise<string>

export interface TestCallers {
  /** The owner of the application, signed in. */
  readonly session: Sign
  /** The owner's token for programs. */
  readonly userToken: Sign
  readonly applicationToken: Sign
  readonly device: Sign
  /** A user whom the application was shared with for reading. */
  readonly viewer: Sign
  readonly deviceId: string
  /** Of the application's token and of the owner's. */
  readonly tokenIds: readonly string[]
  readonly keyId: string
  readonly viewerId: string
}

/** Makes them in the application of that owner. */
export async function makeCallers(
  db: Database,
  tokens: Tokens,
  { id: applicationId, ownerId: userId }: { readonly id: string; readonly ownerId: string },
): Promise<TestCallers> {
  const [userTokenId, tokenId, keyId, viewerId] = [newId(), newId(), newId(), await makeUser(db)]
  const { id: deviceId } = await makeDevice(db, { applicationId, name: 'the caller' })
  const addToken = `insert into api_tokens (id, application_id, user_id, creator_type, creator_id, creator_name, name, scope)
    values ($1, $2, $3, 'user', $4, 'someone', 'a token', '{all.User}')`
  await db.query(addToken, [userTokenId, null, userId, userId])
  await db.query(addToken, [tokenId, applicationId, null, userId])
  await db.query(
    `insert into application_keys (id, application_id, key, secret_hash, created_by_type, created_by_id, updated_by_type,
       updated_by_id) values ($1, $2, $1, '', 'user', $3, 'user', $3)`,
    [keyId, applicationId, userId],
  )
  await db.query(`insert into application_members (application_id, user_id, role) values ($1, $2, 'viewer')`, [
    applicationId,
    viewerId,
  ])
  const signAs =
    (caller: Caller): Sign =>
    (scope) =>
      tokens.sign({ ...caller, scope }, 0)
  const scope: string[] = []
  return {
    session: signAs({ kind: 'user', userId, generation: 0, scope }),
    userToken: signAs({ kind: 'user', userId, tokenId: userTokenId, scope }),
    applicationToken: signAs({ kind: 'application', applicationId, tokenId, scope }),
    device: signAs({ kind: 'device', applicationId, deviceId, keyId, scope }),
    viewer: signAs({ kind: 'user', userId: viewerId, generation: 0, scope }),
    deviceId,
    tokenIds: [tokenId, userTokenId],
    keyId,
    viewerId,
  }
}
