/** Families against a model that walks: whatever is made, moved, deleted, restored and purged, everybody knows who is above. */

import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { restoreDevices } from '../../server/catalog/device-bulk.ts'
import { purgeDevices } from '../../server/catalog/device-purge.ts'
import { createDevice, deleteDevice, patchDevice } from '../../server/catalog/devices.ts'
import { AppError } from '../../server/ground/errors.ts'
import type { Database } from '../../server/stores/postgres/database.ts'
import { makeApplication } from '../support/make.ts'
import { openTestDatabase } from '../support/postgres.ts'

interface Member {
  parent: string | null
  deleted: boolean
}
type Family = Map<string, Member>

/** Devices are meant by their place among those made so far, counted on from the first after the last. */
type Step =
  | { readonly act: 'create'; readonly under: number | null }
  | { readonly act: 'move'; readonly device: number; readonly under: number | null }
  | { readonly act: 'delete' | 'restore'; readonly device: number }
  | { readonly act: 'purge' }

const place = fc.nat({ max: 1000 })
const under = fc.option(place, { freq: 9 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ act: fc.constant('create' as const), under }) },
  { weight: 5, arbitrary: fc.record({ act: fc.constant('move' as const), device: place, under }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constantFrom('delete' as const, 'restore' as const), device: place }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('purge' as const) }) },
)

function ancestors(family: Family, id: string): string[] {
  const parent = family.get(id)?.parent ?? null
  return parent === null ? [] : [parent, ...ancestors(family, parent)]
}

const isLive = (family: Family, id: string) => family.get(id)?.deleted === false

/** Does a step in both, and sees that both refuse the same. */
async function take(db: Database, applicationId: string, family: Family, step: Step): Promise<void> {
  const parts = { db, forgetAttributes: async () => {}, forgetDevices: async () => {} }
  const idAt = (index: number) => [...family.keys()][index % family.size] ?? '0'.repeat(24)
  switch (step.act) {
    case 'create': {
      const parent = step.under === null ? null : idAt(step.under)
      const made = await attempt(createDevice(db, applicationId, { name: 'd', parentId: parent }))
      assert.equal(made !== undefined, parent === null || isLive(family, parent))
      if (made) family.set(made.id, { parent, deleted: false })
      return
    }
    case 'move': {
      const [id, parent] = [idAt(step.device), step.under === null ? null : idAt(step.under)]
      const stays = family.get(id)?.parent === parent
      const isSound =
        parent === null || (isLive(family, parent) && parent !== id && !ancestors(family, parent).includes(id))
      const moved = await attempt(patchDevice(parts, applicationId, id, { parentId: parent }))
      assert.equal(moved !== undefined, isLive(family, id) && (stays || isSound))
      if (moved) family.set(id, { parent, deleted: false })
      return
    }
    case 'delete': {
      const id = idAt(step.device)
      const isGone = await attempt(deleteDevice(db, applicationId, id).then(() => true))
      assert.equal(isGone ?? false, isLive(family, id))
      const member = family.get(id)
      if (member) member.deleted = true
      return
    }
    case 'restore': {
      const member = family.get(idAt(step.device))
      const restored = await restoreDevices(parts, applicationId, [idAt(step.device)])
      assert.equal(restored, member?.deleted ? 1 : 0)
      if (member) member.deleted = false
      return
    }
    case 'purge': {
      const gone = [...family].filter(([, { deleted }]) => deleted).map(([id]) => id)
      await purgeDevices(parts, new Date(Date.now() + 94 * 86_400_000), new AbortController().signal)
      for (const id of gone) family.delete(id)
      for (const member of family.values()) if (member.parent && gone.includes(member.parent)) member.parent = null
    }
  }
}

/** What a refusal gives is nothing; anything else that is thrown is a fault. */
async function attempt<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (error instanceof AppError && (error.kind === 'invalid' || error.kind === 'notFound')) return undefined
    throw error
  }
}

test('everybody knows who is above, whatever happened', async (t) => {
  const db = await openTestDatabase(t)
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 15, maxLength: 40 }), async (steps) => {
      const { id: applicationId } = await makeApplication(db)
      const family: Family = new Map()
      for (const step of steps) await take(db, applicationId, family, step)
      const rows = await db.query<{ id: string; parent_id: string | null; ancestor_ids: string[] }>(
        'select id, parent_id, ancestor_ids from devices where application_id = $1 order by id',
        [applicationId],
      )
      const expected = [...family]
        .map(([id, { parent }]) => ({ id, parent_id: parent, ancestor_ids: ancestors(family, id) }))
        .sort((a, b) => (a.id < b.id ? -1 : 1))
      assert.deepEqual(rows, expected)
    }),
    { numRuns: 30 },
  )
})
