/** A door with nothing left out that tenants could reach each other through, and what is known of a database afterwards. */

import { createHash } from 'node:crypto'
import type { TestContext } from 'node:test'
import { createLog } from '../../server/ground/log.ts'
import { openJobsRoom } from '../../server/jobs/open.ts'
import type { Blobs } from '../../server/stores/blobs/blobs.ts'
import { linkTo } from '../../server/stores/blobs/links.ts'
import type { Database } from '../../server/stores/postgres/database.ts'
import { NO_RATES, openDoor, SECRET } from './door.ts'

export type TenancyDoor = Awaited<ReturnType<typeof openTenancyDoor>>

const LINKS_MS = 3_600_000

/** With jobs that are queued, deliveries that are replayed and links that open; nobody works on the jobs. */
export async function openTenancyDoor(t: TestContext) {
  const rooms: { tell?: Awaited<ReturnType<typeof openJobsRoom>>['tell'] } = {}
  const door = await openDoor(t, NO_RATES, undefined, async (db) => {
    const mailLimit = { perHour: 1000, receivers: [] }
    const room = await openJobsRoom(
      { db, log: createLog('silent'), baseUrl: 'http://fieldbook.test', mailLimit },
      false,
    )
    t.after(() => room[Symbol.asyncDispose]())
    rooms.tell = room.tell
    return {
      jobs: room.jobs,
      replay: room.replay,
      linkFile: (baseUrl, key, fileName, from) =>
        baseUrl + linkTo(SECRET, { key, fileName, expiresAt: new Date(from.getTime() + LINKS_MS) }),
    }
  })
  const { tell } = rooms
  if (!tell) throw new Error('the door was opened without its rooms')
  // A request that was injected has no socket, which uploads set up.
  const url = await door.app.listen({ port: 0, host: '127.0.0.1' })
  return { ...door, tell, url }
}

/**
 * A sum over every row of the database in which one of these ids stands, whatever the table, over all rows of data tables
 * with such an id, and over the blobs: nothing of what has these ids can change without it. Rows in which one of `others`
 * stands, who may have written the ids down, do not count.
 */
export async function sumOf(
  { db, blobs }: { db: Database; blobs: Blobs },
  ids: readonly string[],
  others: readonly string[],
): Promise<string[]> {
  const tables = await db.query<{ schema: string; name: string }>(
    `select schemaname as schema, tablename as name from pg_tables where schemaname in ('public', 'rows') order by 1, 2`,
  )
  const sums: string[] = []
  for (const { schema, name } of tables) {
    const isTheirs = schema === 'rows' && ids.some((id) => name.endsWith(id))
    // What others asked for stands in the log of where they asked it, and may name any id; what is counted by the minute
    // is written a second after it was done.
    const place = name === 'audit_log' ? "case when t.counted_by is null then t.application_id else '' end" : 't::text'
    const row = await db.one<{ count: number; sum: string | null }>(
      `select count(*)::int as count, md5(string_agg(t::text, ',' order by t::text)) as sum from "${schema}"."${name}" t
       where $2 or (${place} ~ $1 and t::text !~ $3)`,
      [ids.join('|'), isTheirs, others.join('|')],
    )
    if (row && row.count > 0) sums.push(`${schema}.${name}: ${row.count} rows, ${row.sum}`)
  }
  for (const prefix of ['files', 'executions', 'notebooks', 'segments', 'jobs', 'telemetry']) {
    for await (const { key } of blobs.list(prefix)) {
      if (!ids.some((id) => key.includes(id))) continue
      sums.push(
        `blob ${key}: ${createHash('md5')
          .update(await blobs.read(key))
          .digest('hex')}`,
      )
    }
  }
  return sums.sort()
}
