/** Schedules of notebooks: made, looked at, changed and deleted. What they do is in the executions room. */

import {
  createSchedule,
  deleteSchedule,
  getSchedule,
  listSchedules,
  patchSchedule,
} from '../../../contract/schedules.ts'
import { getNotebook } from '../../catalog/notebooks.ts'
import * as schedules from '../../executions/schedules/store.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Registers the routes of schedules. */
export function serveSchedules(door: Door, { db }: Pick<Parts, 'db'>): void {
  const find = (params: { applicationId: string; notebookId: string }) =>
    getNotebook(db, params.applicationId, params.notebookId)
  const { toSchedule } = schedules

  serve(door, createSchedule, async ({ params, body, sharedUrl }) =>
    toSchedule(await schedules.createSchedule(db, await find(params), body, new Date(), sharedUrl)),
  )
  serve(door, listSchedules, async ({ params, query }) => {
    const { id, applicationId } = await find(params)
    const page = await schedules.listSchedules(db, id, query)
    return { ...page, items: page.items.map(toSchedule), applicationId }
  })
  serve(door, getSchedule, async ({ params }) => {
    const { id } = await find(params)
    return toSchedule(await schedules.getSchedule(db, id, params.scheduleId))
  })
  serve(door, patchSchedule, async ({ params, body, sharedUrl }) => {
    const { id } = await find(params)
    return toSchedule(await schedules.patchSchedule(db, id, params.scheduleId, body, new Date(), sharedUrl))
  })
  serve(door, deleteSchedule, async ({ params }) => {
    const { id } = await find(params)
    await schedules.deleteSchedule(db, id, params.scheduleId)
    return { success: true }
  })
}
