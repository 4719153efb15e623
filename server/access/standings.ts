/**
 * What callers are, remembered for some seconds, because nearly every request asks it: half of what reading a notebook
 * costs. The database tells when any of it may have changed (migration 0028), and everything is forgotten at once. While
 * nobody listens nothing is remembered. Devices are not: what they are hangs on rows that change all the time.
 */

import type { Database, Queryable } from '../stores/postgres/database.ts'
import type { Caller } from './callers.ts'
import { readStanding, type Standing, type Visit } from './entry.ts'

/** No longer than this, should a notification ever be lost. */
const MAX_AGE_MS = 5000
const MAX_REMEMBERED = 10_000
const CHANNEL = 'standings'

export interface Standings {
  /** What the caller is now, in the application or, for null, at all; undefined when the token stands for nothing. */
  of(caller: Caller, applicationId: string | null, visit?: Visit): Promise<Standing | undefined>
  /** To be called by whoever has just changed what somebody is, before that is answered. */
  forget(): void
}

interface Remembered {
  readonly standing: Standing
  readonly until: number
}

/** Tells every service, with the transaction, of a change that no trigger tells of. */
export async function tellStandings(tx: Queryable): Promise<void> {
  await tx.query('select pg_notify($1, $2)', [CHANNEL, ''])
}

/** Opens the memory on a database; disposing it ends its listening. */
export async function openStandings(db: Database): Promise<Standings & AsyncDisposable> {
  const remembered = new Map<string, Remembered>()
  let isListening = true
  /** Raised by forgetting: what was read before is not written down afterwards. */
  let epoch = 0
  const forget = () => {
    epoch += 1
    remembered.clear()
  }
  const listening = await db.listen(CHANNEL, forget, {
    onLost: () => {
      isListening = false
      forget()
    },
    onReconnect: () => {
      isListening = true
      forget()
    },
  })
  return {
    forget,
    of: async (caller, applicationId, visit) => {
      const key = keyOf(caller, applicationId)
      const known = key === undefined ? undefined : remembered.get(key)
      if (known && known.until > performance.now()) return known.standing
      const asked = epoch
      const standing = await readStanding(db, caller, applicationId, visit)
      if (key === undefined || !standing || !isSomebody(standing, applicationId)) return standing
      if (isListening && asked === epoch) {
        const [oldest] = remembered.size < MAX_REMEMBERED ? [] : remembered.keys()
        if (oldest !== undefined) remembered.delete(oldest)
        remembered.set(key, { standing, until: performance.now() + MAX_AGE_MS })
      }
      return standing
    },
    [Symbol.asyncDispose]: () => listening[Symbol.asyncDispose](),
  }
}

const isSomebody = ({ is_good, role }: Standing, applicationId: string | null) =>
  is_good && (applicationId === null || role !== null)

/** Everything of a caller that its standing hangs on; undefined for those that are asked anew each time. */
function keyOf(caller: Caller, applicationId: string | null): string | undefined {
  if (caller.kind === 'device') return undefined
  if (caller.kind === 'application') return `token ${caller.tokenId} ${caller.applicationId} ${applicationId}`
  const begunAt = caller.session?.begunAt.getTime()
  return `user ${caller.userId} ${caller.tokenId} ${caller.generation} ${begunAt} ${applicationId}`
}
