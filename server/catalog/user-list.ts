/** The list of users, for owners of the installation. */

import type { User } from '../../contract/users.ts'
import { toUser, USERS } from '../access/accounts.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { type ListQuery, listPage, type Page } from './listing.ts'

/** One page of the users; a filter is matched against their addresses. */
export async function listUsers(db: Queryable, query: ListQuery): Promise<Page<User>> {
  const source = {
    from: `(${USERS}) as listed where true`,
    values: [],
    sort: { email: 'lower(email)', id: 'id', creationDate: 'created_at' },
    defaultSort: 'email',
    filters: { email: 'email' },
    hasNulls: false,
  }
  return listPage(db, source, query, toUser)
}
