/** An installation in front of the real door, with its owner and whoever else a test needs. */

import type { TestContext } from 'node:test'
import { openDoor } from './door.ts'

export type Answer = { readonly status: number; readonly body: ReturnType<typeof JSON.parse>; readonly text: string }

/** The door with the owner of an installation, and anybody else, in front of it. */
export async function openInstallation(t: TestContext, env: Record<string, string> = {}) {
  const door = await openDoor(t, env)
  const ownerId = door.application.ownerId
  await door.db.query('update users set is_owner = true where id = $1', [ownerId])
  const tokenOf = (userId: string, scope = ['all.User'], generation = 0) =>
    door.tokens.sign({ kind: 'user', userId, generation, scope }, 0)
  const as =
    (token: string) =>
    async (method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, payload?: object): Promise<Answer> => {
      const headers = token ? { authorization: `Bearer ${token}` } : {}
      const reply = await door.app.inject({ method, url, headers, ...(payload ? { payload } : {}) })
      return { status: reply.statusCode, body: JSON.parse(reply.body), text: reply.body }
    }
  return { ...door, ownerId, tokenOf, as, owner: as(await tokenOf(ownerId)), anybody: as('') }
}
