/** Accounts without a door: a database with one user who can sign in, and the clock of failures turned by hand. */

import type { TestContext } from 'node:test'
import { createPasswords, hashPassword, type Passwords } from '../../server/access/passwords.ts'
import type { AccountParts } from '../../server/access/sign-in.ts'
import { createVault } from '../../server/access/vault.ts'
import { newId } from '../../server/ground/ids.ts'
import type { Queryable } from '../../server/stores/postgres/database.ts'
import { openTestDatabase, type TestDatabase } from './postgres.ts'

export const RIGHT = 'the right password'

let hashed: Promise<string> | undefined

/** A user with that address and the password `RIGHT`. */
export async function addUser(db: Queryable, email: string): Promise<string> {
  hashed ??= hashPassword(RIGHT)
  const id = newId()
  await db.query('insert into users (id, email, password_hash) values ($1, $2, $3)', [id, email, await hashed])
  return id
}

/** The parts of accounts over a database of the test's own, and how many passwords they have looked at. */
export async function openAccounts(t: TestContext) {
  const db: TestDatabase = await openTestDatabase(t)
  const real = createPasswords()
  let looks = 0
  const passwords: Passwords = {
    hash: real.hash,
    matches: (...given) => {
      looks += 1
      return real.matches(...given)
    },
  }
  const parts: AccountParts = { db, passwords, vault: createVault(Buffer.alloc(32, 7)) }
  /** As if every failure had happened so much earlier. */
  const wait = (seconds: number) =>
    db.query(
      `update sign_in_attempts set last_at = last_at - make_interval(secs => $1),
         locked_until = locked_until - make_interval(secs => $1)`,
      [seconds],
    )
  return { db, parts, looks: () => looks, wait }
}
