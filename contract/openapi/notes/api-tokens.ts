/** Notes about `contract/api-tokens.ts`. */

import { APPLICATION, CHANGED, MADE, USER } from '../example-world.ts'
import type { Notes } from '../notes.ts'

const token = {
  id: '6923c4d25c3e8d0012a4b721',
  apiTokenId: '6923c4d25c3e8d0012a4b721',
  ownerId: APPLICATION,
  ownerType: 'application',
  creatorId: USER,
  creatorType: 'user',
  creatorName: 'Ada',
  name: 'Report mailer',
  creationDate: MADE,
  lastUpdated: CHANGED,
  expirationDate: '2027-11-24T00:00:00.000Z',
  scope: ['notebook.execute', 'notebook.logs'],
  status: 'active',
}
const { ownerId, ownerType } = token
const text = 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiI2OTIzYzRkMiJ9.c2lnbmF0dXJl'

export const notes: Notes = {
  tag: { name: 'API tokens', description: 'Tokens for programs: of one application, or of a user.' },
  schemas: {
    ApiTokenPost: {
      is: 'A token to be made.',
      example: { name: 'Report mailer', scope: ['notebook.execute', 'notebook.logs'] },
    },
    ApiTokenPatch: { is: 'What is to change of a token.', example: { status: 'inactive' } },
    ApiToken: { is: 'A token for a program.', example: token },
    ApiTokens: {
      is: 'Some of the tokens there are.',
      example: {
        items: [token],
        count: 1,
        totalCount: 1,
        perPage: 100,
        page: 0,
        sortField: 'name',
        sortDirection: 'asc',
        ownerId,
        ownerType,
      },
    },
  },
  routes: {
    createApplicationApiToken: { reply: { ...token, token: text, _type: 'apiToken' } },
    createUserApiToken: { reply: { ...token, ownerId: USER, ownerType: 'user', token: text, _type: 'apiToken' } },
  },
}
