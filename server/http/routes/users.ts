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
import { mailInvitation } from '../../access/invitation-mail.ts'
import * as invitations from '../../access/invitations.ts'
import { DEFAULT_SCOPE } from '../../access/scopes.ts'
import * as twoFactor from '../../access/two-factor.ts'
import * as userList from '../../catalog/user-list.ts'
import { secondFactorNeeded } from '../../ground/errors.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'
import { DEFAULT_TTL_SECONDS } from './auth.ts'

/** Registers the routes of users. */
export function serveUsers(door: Door, { db, tokens, config, passwords }: Parts): void {
  const invited = async (userId: string, email: string, sharedUrl: string) => {
    const made = await invitations.invite(db, userId)
    const url = `${sharedUrl}${acceptInvitation.path}`
    const mail = await mailInvitation(config.outgoing, email, made, url)
    return { secret: made.secret, expiresAt: made.expiresAt.toISOString(), url, mail }
  }

  serve(door, listUsers, ({ query }) => userList.listUsers(db, query))
  serve(door, createUser, async ({ body, sharedUrl }) => {
    const { email, password, isOwner } = body
    const passwordHash = password === undefined ? undefined : await passwords.hash(password)
    const id = await db.transaction((tx) => accounts.createUser(tx, { email, isOwner, passwordHash }))
    const invitation = passwordHash ? {} : { invitation: await invited(id, email, sharedUrl) }
    return { ...(await accounts.getUser(db, id)), ...invitation }
  })
  serve(door, getUser, ({ params }) => accounts.getUser(db, params.userId))
  serve(door, patchUser, async ({ params, body }) => {
    const { password, ...change } = body
    const passwordHash = password === undefined ? undefined : await passwords.hash(password)
    await accounts.patchUser(db, params.userId, { ...change, passwordHash })
    return accounts.getUser(db, params.userId)
  })
  serve(door, deleteUser, async ({ params }) => {
    await accounts.deleteUser(db, params.userId)
    return { success: true }
  })
  serve(door, inviteUser, async ({ params, sharedUrl }) => {
    const { email } = await accounts.getUser(db, params.userId)
    return invited(params.userId, email, sharedUrl)
  })
  serve(door, transferApplications, async ({ params, body }) => {
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
