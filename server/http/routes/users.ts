/** The users of the installation, for its owners, and their invitations: contract routes to the rooms below. */

import {
  acceptInvitation,
  createUser,
  deleteUser,
  getUser,
  inviteUser,
  listUsers,
  patchUser,
  transferApplications,
} from '../../../contract/users.ts'
import * as accounts from '../../access/accounts.ts'
import type { Caller } from '../../access/callers.ts'
import { mailInvitation } from '../../access/invitation-mail.ts'
import * as invitations from '../../access/invitations.ts'
import { DEFAULT_SCOPE } from '../../access/scopes.ts'
import * as twoFactor from '../../access/two-factor.ts'
import { requireOwner } from '../../access/users.ts'
import * as userList from '../../catalog/user-list.ts'
import { secondFactorNeeded } from '../../ground/errors.ts'
import type { Parts } from '../parts.ts'
import { type Door, requireUser, serve } from '../serve.ts'
import { DEFAULT_TTL_SECONDS } from './auth.ts'

/** Registers the routes of users. */
export function serveUsers(door: Door, { db, tokens, config, passwords }: Parts): void {
  const byOwner = (caller: Caller) => requireOwner(db, requireUser(caller).userId)
  const invited = async (userId: string, email: string, sharedUrl: string) => {
    const made = await invitations.invite(db, userId)
    const url = `${sharedUrl}${acceptInvitation.path}`
    const mail = await mailInvitation(config.outgoing, email, made, url)
    return { secret: made.secret, expiresAt: made.expiresAt.toISOString(), url, mail }
  }

  serve(door, listUsers, async ({ caller, query }) => {
    await byOwner(caller)
    return userList.listUsers(db, query)
  })
  serve(door, createUser, async ({ caller, body, sharedUrl }) => {
    await byOwner(caller)
    const { email, password, isOwner } = body
    const passwordHash = password === undefined ? undefined : await passwords.hash(password)
    const id = await db.transaction((tx) => accounts.createUser(tx, { email, isOwner, passwordHash }))
    const invitation = passwordHash ? {} : { invitation: await invited(id, email, sharedUrl) }
    return { ...(await accounts.getUser(db, id)), ...invitation }
  })
  serve(door, getUser, async ({ caller, params }) => {
    await byOwner(caller)
    return accounts.getUser(db, params.userId)
  })
  serve(door, patchUser, async ({ caller, params, body }) => {
    await byOwner(caller)
    const { password, ...change } = body
    const passwordHash = password === undefined ? undefined : await passwords.hash(password)
    await accounts.patchUser(db, params.userId, { ...change, passwordHash })
    return accounts.getUser(db, params.userId)
  })
  serve(door, deleteUser, async ({ caller, params }) => {
    await byOwner(caller)
    await accounts.deleteUser(db, params.userId)
    return { success: true }
  })
  serve(door, inviteUser, async ({ caller, params, sharedUrl }) => {
    await byOwner(caller)
    const { email } = await accounts.getUser(db, params.userId)
    return invited(params.userId, email, sharedUrl)
  })
  serve(door, transferApplications, async ({ caller, params, body }) => {
    await byOwner(caller)
    const transferred = await accounts.transferApplications(db, params.userId, body.userId.toLowerCase())
    return { transferred }
  })
  serve(door, acceptInvitation, async ({ body, doneFor }) => {
    const user = await invitations.acceptInvitation(db, body.secret, () => passwords.hash(body.password))
    doneFor(user.userId)
    if (await twoFactor.isEnabled(db, user.userId)) throw secondFactorNeeded('The password is set; sign in with it')
    const { userId, generation } = user
    const token = await tokens.sign(
      { kind: 'user', userId, generation, scope: DEFAULT_SCOPE },
      body.tokenTTL ?? DEFAULT_TTL_SECONDS,
    )
    return { userId, token }
  })
}
