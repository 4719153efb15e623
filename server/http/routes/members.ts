/** Sharing applications: contract routes to the rooms below. */

import { createMember, deleteMember, giveApplication, listMembers, patchMember } from '../../../contract/members.ts'
import * as members from '../../catalog/members.ts'
import { notFound } from '../../ground/errors.ts'
import type { Parts } from '../parts.ts'
import { type Door, requireUser, serve } from '../serve.ts'

/** Registers the routes of members. */
export function serveMembers(door: Door, { db }: Parts): void {
  serve(door, listMembers, async ({ params }) => {
    const items = await members.listMembers(db, params.applicationId)
    return { items, count: items.length }
  })
  serve(door, createMember, ({ params, body }) => members.offerShare(db, params.applicationId, body))
  serve(door, patchMember, ({ params, body }) =>
    members.patchMember(db, params.applicationId, params.userId, body.role),
  )
  serve(door, deleteMember, async ({ caller, params }) => {
    const { applicationId, userId } = params
    if (caller.kind === 'user' && caller.userId === userId) {
      if (!(await members.leave(db, applicationId, userId))) throw notFound('Member')
      return { success: true }
    }
    await door.enter(caller, applicationId, { ...deleteMember, role: 'admin' })
    await members.removeMember(db, applicationId, userId)
    return { success: true }
  })
  serve(door, giveApplication, async ({ caller, params, body }) => {
    const { userId } = requireUser(caller)
    await members.giveApplication(db, params.applicationId, userId, body.userId.toLowerCase())
    return { success: true }
  })
}
