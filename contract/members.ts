/**
 * Sharing an application with other users of the installation. Operations of our own: the original shares by organizations.
 * A share is an offer until its user has looked at their applications. An offer is shown as it was made. One to an address
 * tells nothing of who it reached, whether there is such a user or not; one to an id tells that a user has
 * that id, or is 404, and nothing else of them.
 */

import { type Static, Type } from 'typebox'
import { ApplicationParams } from './applications.ts'
import { route } from './route.ts'
import { ROLES } from './scopes.ts'
import { closed, DateTime, Email, ObjectId, Success, words } from './shapes.ts'

const Role = words(...ROLES)

export const MemberParams = Type.Object({
  ...ApplicationParams.properties,
  userId: Type.String({
    minLength: 1,
    maxLength: 1024,
    description: 'The id of a user, or the e-mail address of an offer',
  }),
})

export const Member = Type.Object({
  userId: Type.Optional(ObjectId),
  email: Type.Optional(Type.String()),
  role: Role,
  status: words('owner', 'joined', 'offered'),
  creationDate: DateTime,
})
export type Member = Static<typeof Member>

export const MemberPost = Type.Object(
  { userId: Type.Optional(ObjectId), email: Type.Optional(Email), role: Role },
  closed,
)
export type MemberPost = Static<typeof MemberPost>

export const MemberPatch = Type.Object({ role: Role }, closed)

const PATH = '/applications/:applicationId/members'

export const listMembers = route({
  operation: 'members.get',
  method: 'GET',
  path: PATH,
  summary: 'Lists who an application is shared with: its owner, its members, and whom it was offered to.',
  params: ApplicationParams,
  reply: Type.Object({ items: Type.Array(Member), count: Type.Integer() }),
})

export const createMember = route({
  operation: 'members.post',
  grants: { whole: true },
  role: 'admin',
  method: 'POST',
  path: PATH,
  summary:
    'Offers a share of an application to a user, by e-mail address or id; it works at once, if there is such a user.',
  params: ApplicationParams,
  body: { name: 'member', schema: MemberPost },
  status: 201,
  reply: Member,
})

export const patchMember = route({
  operation: 'member.patch',
  grants: { whole: true },
  role: 'admin',
  method: 'PATCH',
  path: `${PATH}/:userId`,
  summary: 'Changes the role of a member, or of an offer.',
  params: MemberParams,
  body: { name: 'member', schema: MemberPatch },
  reply: Member,
})

export const deleteMember = route({
  operation: 'member.delete',
  grants: { whole: true },
  role: 'viewer',
  method: 'DELETE',
  path: `${PATH}/:userId`,
  summary: 'Ends a share or takes back an offer. Admins may, and members for themselves.',
  params: MemberParams,
  reply: Success,
})

export const giveApplication = route({
  operation: 'application.owner',
  grants: { whole: true },
  role: 'admin',
  method: 'POST',
  path: '/applications/:applicationId/owner',
  summary: 'Makes a member the owner of an application. Only its owner may, who stays in it as an admin.',
  params: ApplicationParams,
  body: { name: 'owner', schema: Type.Object({ userId: ObjectId }, closed) },
  reply: Success,
})
