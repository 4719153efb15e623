/** Schedules of notebooks: made, looked at, changed and deleted. What they do is in the executions room. */

import {
  createSchedule,
  deleteSchedule,
  getSchedule,
  listSchedules,
  patchSchedule,
} from '../../../contract/schedules.ts'
import { enterApplication } from '../../catalog/applications.ts'
import { getNotebook } from '../../catalog/notebooks.ts'
import * as schedules from '../../executions/schedules/store.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Registers the routes of schedules. */
export function serveSchedules(door: Door, { db }: Pick<Parts, 'db'>): void {
  const find = async (userId: string, params: { applicationId: string; notebookId: string }) =>
    getNotebook(db, await enterApplication(db, userId, params.applicationId), params.notebookId)
  const { toSchedule } = schedules

  serve(door, createSchedule, async ({ caller, params, body, sharedUrl }) =>
    toSchedule(await schedules.createSchedule(db, await find(caller.userId, params), body, new Date(), sharedUrl)),
  )
  serve(door, listSchedules, async ({ caller, params, query }) => {
    const { id, applicationId } = await find(caller.userId, params)
    const page = await schedules.listSchedules(db, id, query)
    return { ...page, items: page.items.map(toSchedule), applicationId }
  })
  serve(door, getSchedule, async ({ caller, params }) => {
    const { id } = await find(caller.userId, params)
    return toSchedule(await schedules.getSchedule(db, id, params.scheduleId))
  })
  serve(door, patchSchedule, async ({ caller, params, body, sharedUrl }) => {
    const { id } = await find(caller.userId, params)
    return toSchedule(await schedules.patchSchedule(db, id, params.scheduleId, body, new Date(), sharedUrl))
  })
  serve(door, deleteSchedule, async ({ caller, params }) => {
    const { id } = await find(caller.userId, params)
    await schedules.deleteSchedule(db, id, params.scheduleId)
    return { success: true }
  })
}
