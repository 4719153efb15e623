/**
 * Looks after what workers that are gone have left: the executions they held go back to the queue, their processes,
 * control groups and folders are removed. Every worker has a reaper; each thing is taken back once, because the update that does it is guarded.
 */

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../ground/errors.ts'
import type { Log } from '../ground/log.ts'
import { removeTree } from '../ground/remove-tree.ts'
import { removeAbandoned } from '../sandbox/cgroup-place.ts'
import type { SandboxHost } from '../sandbox/host.ts'
import { killUsersOf } from '../sandbox/orphans.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import { heldElsewhere, takeBack } from './leases.ts'
import { findLost, type Sightings } from './lost.ts'
import { absentWorkers, type Presence } from './presence.ts'

export interface ReaperParts {
  readonly db: Queryable
  readonly log: Log
  readonly presence: Presence
  readonly host: Pick<SandboxHost, 'cgroup'>
  readonly leaseMs: number
}

/** A look costs the database a third of a millisecond. */
const LOOK_MS = 300
/** Absent at three looks in a row. */
const ABSENT_MS = 2 * LOOK_MS - 50
const SWEEP_MS = 5000

/** Looks until disposed; what fails is tried again at the next look. */
export function openReaper(parts: ReaperParts): AsyncDisposable {
  let seen: Sightings = new Map()
  let absentSince: ReadonlyMap<string, number> = new Map()
  let sweepAtMs = 0
  let looking: Promise<void> | undefined

  const look = async () => {
    if (!parts.presence.canJudge) {
      // What was seen before is no proof any more.
      seen = new Map()
      absentSince = new Map()
      return
    }
    const held = await heldElsewhere(parts.db, parts.presence.id)
    const found = findLost(seen, held, performance.now(), { absentMs: ABSENT_MS, leaseMs: parts.leaseMs })
    seen = found.seen
    const ids = await takeBack(parts.db, found.lost)
    if (ids.length > 0) {
      parts.log.warn({ executionIds: ids }, 'executions of a lost worker taken back')
      sweepAtMs = 0
    }
    if (performance.now() >= sweepAtMs) await sweep()
  }

  /** A folder goes when its worker was absent at two looks, as with the executions. */
  const sweep = async () => {
    const names = (await readdir(parts.presence.root)).filter((name) => name !== parts.presence.id)
    const absent = names.length > 0 ? await absentWorkers(parts.db, names) : []
    const now = performance.now()
    const since = new Map(absent.map((name) => [name, absentSince.get(name) ?? now]))
    const gone = absent.filter((name) => now - (since.get(name) ?? now) >= ABSENT_MS)
    for (const name of gone) if (await clear(join(parts.presence.root, name))) since.delete(name)
    if (gone.length > 0 && parts.host.cgroup) await removeAbandoned(parts.host.cgroup)
    absentSince = since
    sweepAtMs = since.size > 0 ? 0 : now + SWEEP_MS
  }

  /** false when it has to be tried again: a process of the dead may need another moment to end. */
  const clear = async (folder: string): Promise<boolean> => {
    const killed = await killUsersOf(folder)
    if (killed > 0) parts.log.warn({ folder, killed }, 'processes of a lost worker ended')
    return removeTree(folder).then(
      () => killed === 0,
      () => false,
    )
  }

  const timer = setInterval(() => {
    looking ??= look()
      .catch((error: unknown) => parts.log.warn({ error: messageOf(error) }, 'lost executions not looked for'))
      .finally(() => {
        looking = undefined
      })
  }, LOOK_MS)
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await looking
    },
  }
}
