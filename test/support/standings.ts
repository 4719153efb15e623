/** The question of the door, asked of the database each time, as tests of what it says want it. */

import type { Caller } from '../../server/access/callers.ts'
import { readStanding, type Visit } from '../../server/access/entry.ts'
import type { Queryable } from '../../server/stores/postgres/database.ts'

export const askOf = (db: Queryable) => (caller: Caller, applicationId: string | null, visit?: Visit) =>
  readStanding(db, caller, applicationId, visit)
