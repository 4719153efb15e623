/** Applications: contract routes to the rooms below. */

import { getReadme, patchReadme, searchApplication } from '../../../contract/application-pages.ts'
import {
  type Application,
  createApplication,
  deleteApplication,
  getApplication,
  getDeviceCounts,
  listApplications,
  patchApplication,
  patchGlobals,
} from '../../../contract/applications.ts'
import { getApplicationMinuteCounts } from '../../../contract/executions.ts'
import { deviceCounts } from '../../catalog/application-counts.ts'
import * as pages from '../../catalog/application-pages.ts'
import * as applications from '../../catalog/applications.ts'
import { readSummaries, type SummaryQuery } from '../../executions/application-summary.ts'
import * as removal from '../../executions/remove-application.ts'
import { minuteCounts } from '../../executions/usage.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Registers the routes of applications. */
export function serveApplications(door: Door, { db }: Parts): void {
  const show = async (found: readonly Application[], query: SummaryQuery): Promise<Application[]> => {
    const ids = found.map(({ id }) => id)
    const summaryOf = await readSummaries(db, ids, query, new Date())
    return found.map((application) => {
      const summary = summaryOf(application.id)
      return summary ? { ...application, summary } : application
    })
  }
  const showOne = async (application: Application, query: SummaryQuery) => (await show([application], query))[0]
  const enter = applications.enterApplication

  serve(door, createApplication, async ({ caller, query, body }) =>
    showOne(await applications.createApplication(db, caller.userId, body), query),
  )
  serve(door, listApplications, async ({ caller, query }) => {
    const page = await applications.listApplications(db, caller.userId, query)
    return { ...page, items: await show(page.items, query) }
  })
  serve(door, getApplication, async ({ caller, params, query }) =>
    showOne(await applications.getApplication(db, caller.userId, params.applicationId), query),
  )
  serve(door, patchApplication, async ({ caller, params, query, body }) =>
    showOne(await applications.patchApplication(db, caller.userId, params.applicationId, body), query),
  )
  serve(door, deleteApplication, async ({ caller, params }) => {
    await removal.deleteApplication(db, caller.userId, params.applicationId)
    return { success: true }
  })
  serve(door, patchGlobals, ({ caller, params, body }) =>
    applications.patchGlobals(db, caller.userId, params.applicationId, body),
  )
  serve(door, getDeviceCounts, async ({ caller, params, query }) =>
    deviceCounts(db, await enter(db, caller.userId, params.applicationId), query, new Date()),
  )
  serve(door, getApplicationMinuteCounts, async ({ caller, params, query }) => {
    const applicationId = await enter(db, caller.userId, params.applicationId)
    return minuteCounts(db, { applicationId }, query, new Date())
  })
  serve(door, getReadme, async ({ caller, params }) =>
    pages.getReadme(db, await enter(db, caller.userId, params.applicationId)),
  )
  serve(door, patchReadme, async ({ caller, params, body }) => {
    const applicationId = await enter(db, caller.userId, params.applicationId)
    return pages.setReadme(db, applicationId, caller.userId, body.content, new Date())
  })
  serve(door, searchApplication, async ({ caller, params, query }) =>
    pages.searchApplication(db, await enter(db, caller.userId, params.applicationId), query.filter),
  )
}
