/** Notes about `contract/users.ts`. */

import { MADE, USER } from '../example-world.ts'
import type { Notes } from '../notes.ts'

const GRACE = '6923b1115c3e8d0012a4b7f1'
const ada = {
  id: USER,
  userId: USER,
  email: 'ada@example.com',
  creationDate: MADE,
  isOwner: true,
  status: 'active',
  applicationCount: 3,
  twoFactorAuthEnabled: true,
  emailVerified: true,
}
const endsAt = '2026-12-01T08:20:16.000Z'
const grace = {
  id: GRACE,
  userId: GRACE,
  email: 'grace@example.com',
  creationDate: MADE,
  isOwner: false,
  status: 'invited',
  applicationCount: 0,
  twoFactorAuthEnabled: false,
  emailVerified: true,
  invitationEndsAt: endsAt,
}
const invitation = {
  secret: '3q2-7wQmYx0vJ5n1kT8rZb4uLc6sHd9eFgAiPoWyXtM',
  expiresAt: endsAt,
  url: 'https://fieldbook.example.com/invitations/accept',
  mail: { status: 'sent' },
}
const lastOwner = {
  when: 'It would leave no owner who can sign in.',
  message: 'This is the last owner of the installation who can sign in; make another user one first',
}

export const notes: Notes = {
  own: true,
  tag: { name: 'Users', description: 'The users of the installation, for its owners, and their invitations. Ours.' },
  schemas: {
    User: { is: 'A user, as owners of the installation see them.', example: ada },
    UserPost: { is: 'A user to be made, or without a password invited.', example: { email: 'grace@example.com' } },
    UserPatch: { is: 'What is to change of a user.', example: { isDisabled: true } },
    Invitation: { is: 'An invitation, whose secret is told only here.', example: invitation },
    TransferPost: { is: 'Who is to own them.', example: { userId: GRACE } },
    Password: { is: 'A password of 8 characters or more.', example: 'correct horse battery staple' },
  },
  routes: {
    listUsers: {
      reply: {
        items: [ada, grace],
        count: 2,
        totalCount: 2,
        perPage: 100,
        page: 0,
        sortField: 'email',
        sortDirection: 'asc',
        _type: 'users',
      },
    },
    createUser: {
      reply: { ...grace, invitation, _type: 'user' },
      errors: { 409: { when: 'The address has a user.', message: 'There is a user grace@example.com already' } },
    },
    patchUser: { errors: { 409: lastOwner } },
    deleteUser: {
      errors: {
        409: {
          when: 'The user owns applications, or is the last owner who can sign in.',
          message: `This user owns 1 application ("Dairy"); transfer them by POST /users/${GRACE}/transfer, or delete them first`,
        },
      },
    },
    inviteUser: {
      errors: { 409: { when: 'The user is disabled.', message: 'This user is disabled; enable them first' } },
    },
    transferApplications: { reply: { transferred: 3 } },
    acceptInvitation: {
      more: 'Needs no token itself.',
      request: { secret: invitation.secret, password: 'correct horse battery staple' },
      reply: { userId: GRACE, token: 'eyJhbGciOiJFZERTQSJ9.eyJzY29wZSI6WyJhbGwuVXNlciJdfQ.c2lnbmF0dXJl' },
      errors: {
        401: {
          when: 'There is no such invitation, or it was used or has ended.',
          message: 'The invitation is not known, was used, or has ended; ask for a new one',
        },
      },
    },
  },
}
