/**
 * The users of an installation, for its owners. Operations of our own: the original's users belong to organizations of its
 * maker. Only tokens for everything may ask for them.
 */

import { type Static, Type } from 'typebox'
import { AuthedUser, TokenTtl } from './auth.ts'
import { route } from './route.ts'
import { closed, DateTime, Email, listQuery, listReply, ObjectId, Success, words } from './shapes.ts'

export const UserParams = Type.Object({ userId: ObjectId })

export const Password = Type.String({ minLength: 8, maxLength: 2048 })

export const User = Type.Object({
  id: ObjectId,
  userId: ObjectId,
  email: Type.String({ minLength: 1 }),
  creationDate: DateTime,
  isOwner: Type.Boolean(),
  /** invited: has no password yet; disabled: shut out, with everything they have kept. */
  status: words('active', 'invited', 'disabled'),
  applicationCount: Type.Integer({ minimum: 0 }),
  twoFactorAuthEnabled: Type.Boolean(),
  /** false: they gave themselves the address, and an owner who sets it, unchanged too, vouches for it. */
  emailVerified: Type.Boolean({ description: 'false: the user gave it to themselves; set it to vouch for it' }),
  /** Of an invitation that has not been used. */
  invitationEndsAt: Type.Optional(DateTime),
})
export type User = Static<typeof User>

/** What opens an account, told only once: whoever has the secret chooses its password. */
export const Invitation = Type.Object({
  secret: Type.String({ minLength: 1 }),
  expiresAt: DateTime,
  /** Where the secret is sent to with a password. */
  url: Type.String({ minLength: 1 }),
  mail: Type.Object({
    status: words('sent', 'notSent'),
    reason: Type.Optional(Type.String()),
  }),
})
export type Invitation = Static<typeof Invitation>

export const UserPost = Type.Object(
  { email: Email, password: Type.Optional(Password), isOwner: Type.Optional(Type.Boolean()) },
  closed,
)
export type UserPost = Static<typeof UserPost>

export const UserPatch = Type.Object(
  {
    email: Type.Optional(Email),
    isOwner: Type.Optional(Type.Boolean()),
    isDisabled: Type.Optional(Type.Boolean()),
    /** Ends all their sessions, as the next does by itself. */
    password: Type.Optional(Password),
    endSessions: Type.Optional(Type.Literal(true)),
    /** For who has lost the telephone: from then on a password is enough, until they enable it again. */
    twoFactorAuthEnabled: Type.Optional(Type.Literal(false)),
  },
  closed,
)
export type UserPatch = Static<typeof UserPatch>

export const TransferPost = Type.Object({ userId: ObjectId }, closed)

const accounts = { whole: true }
const PATH = '/users/:userId'

export const listUsers = route({
  operation: 'users.get',
  grants: accounts,
  owner: true,
  method: 'GET',
  path: '/users',
  summary: 'Lists the users of the installation. For its owners.',
  query: listQuery(['email', 'id', 'creationDate'], ['email']),
  reply: listReply(User),
  entity: 'users',
})

export const createUser = route({
  operation: 'users.post',
  grants: accounts,
  owner: true,
  method: 'POST',
  path: '/users',
  summary: 'Makes a user with a password, or invites one without. For owners of the installation.',
  body: { name: 'user', schema: UserPost },
  status: 201,
  reply: Type.Object({ ...User.properties, invitation: Type.Optional(Invitation) }),
  entity: 'user',
})

export const getUser = route({
  operation: 'user.get',
  grants: accounts,
  owner: true,
  method: 'GET',
  path: PATH,
  summary: 'Gives one user. For owners of the installation.',
  params: UserParams,
  reply: User,
  entity: 'user',
})

export const patchUser = route({
  operation: 'user.patch',
  grants: accounts,
  owner: true,
  method: 'PATCH',
  path: PATH,
  summary:
    'Changes a user: address, password, owner or not, shut out or not; ends their sessions. For owners of the installation.',
  params: UserParams,
  body: { name: 'user', schema: UserPatch },
  reply: User,
  entity: 'user',
})

export const deleteUser = route({
  operation: 'user.delete',
  grants: accounts,
  owner: true,
  method: 'DELETE',
  path: PATH,
  summary: 'Deletes a user who owns no application, with their tokens and shares. For owners of the installation.',
  params: UserParams,
  reply: Success,
})

export const inviteUser = route({
  operation: 'user.invite',
  grants: accounts,
  owner: true,
  method: 'POST',
  path: `${PATH}/invitation`,
  summary:
    'Gives a user a new invitation to choose a password; the one before is void, and the password they have stays until then. For owners of the installation.',
  params: UserParams,
  reply: Invitation,
})

export const transferApplications = route({
  operation: 'user.transfer',
  grants: accounts,
  owner: true,
  method: 'POST',
  path: `${PATH}/transfer`,
  summary: 'Makes another user the owner of all applications of a user. For owners of the installation.',
  params: UserParams,
  body: { name: 'transfer', schema: TransferPost },
  reply: Type.Object({ transferred: Type.Integer() }),
})

export const acceptInvitation = route({
  operation: 'invitations.accept',
  method: 'POST',
  path: '/invitations/accept',
  summary: 'Chooses the password of an account by the secret of its invitation, and signs in.',
  body: {
    name: 'acceptance',
    schema: Type.Object(
      {
        secret: Type.String({ minLength: 1, maxLength: 255 }),
        password: Password,
        tokenTTL: Type.Optional(TokenTtl),
      },
      closed,
    ),
  },
  reply: AuthedUser,
  authenticated: false,
})
