/** Notes about `contract/members.ts`. */

import { MADE, USER } from '../example-world.ts'
import type { Notes } from '../notes.ts'

const offered = { email: 'grace@example.com', role: 'editor', status: 'offered', creationDate: MADE }
const owner = { userId: USER, email: 'ada@example.com', role: 'admin', status: 'owner', creationDate: MADE }
const isOwner = {
  when: 'The owner is meant.',
  message: 'The owner of an application is its admin; give it to another user first',
}

export const notes: Notes = {
  own: true,
  tag: { name: 'Sharing', description: 'Whom an application is shared with, and as what.' },
  schemas: {
    Member: { is: 'Somebody an application is shared with, or was offered to.', example: offered },
    MemberPost: {
      is: 'Whom a share is offered to, by e-mail address or id.',
      example: { email: 'grace@example.com', role: 'editor' },
    },
    MemberPatch: { is: 'The role a member is to have.', example: { role: 'viewer' } },
  },
  routes: {
    listMembers: { reply: { items: [owner, offered], count: 2 } },
    createMember: {
      reply: offered,
      errors: {
        409: {
          when: 'They are in it already.',
          message: 'ada@example.com is in this application already; change the role of a member by PATCH',
        },
      },
    },
    patchMember: { reply: { ...offered, role: 'viewer' }, errors: { 409: isOwner } },
    deleteMember: { errors: { 409: isOwner } },
    giveApplication: { request: { userId: '6923b1115c3e8d0012a4b7f1' } },
  },
}
