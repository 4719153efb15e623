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
import { actorOf } from '../../access/callers.ts'
import { deviceCounts } from '../../catalog/application-counts.ts'
import * as pages from '../../catalog/application-pages.ts'
import * as applications from '../../catalog/applications.ts'
import { joinOffered } from '../../catalog/members.ts'
import { readSummaries, type SummaryQuery } from '../../executions/application-summary.ts'
import * as removal from '../../executions/remove-application.ts'
import { minuteCounts } from '../../executions/usage.ts'
import type { Parts } from '../parts.ts'
import { type Door, requireUser, serve } from '../serve.ts'

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

  serve(door, createApplication, async ({ caller, query, body }) =>
    showOne(await applications.createApplication(db, requireUser(caller).userId, body), query),
  )
  serve(door, listApplications, async ({ caller, query }) => {
    const { userId } = requireUser(caller)
    await joinOffered(db, userId)
    const page = await applications.listApplications(db, userId, query)
    return { ...page, items: await show(page.items, query) }
  })
  serve(door, getApplication, async ({ caller, params, query }) => {
    if (caller.kind === 'user') await joinOffered(db, caller.userId)
    return showOne(await applications.getApplication(db, params.applicationId), query)
  })
  serve(door, patchApplication, async ({ params, query, body }) =>
    showOne(await applications.patchApplication(db, params.applicationId, body), query),
  )
  serve(door, deleteApplication, async ({ params }) => {
    await removal.deleteApplication(db, params.applicationId)
    return { success: true }
  })
  serve(door, patchGlobals, ({ params, body }) => applications.patchGlobals(db, params.applicationId, body))
  serve(door, getDeviceCounts, async ({ params, query }) => deviceCounts(db, [params.applicationId], query, new Date()))
  serve(door, getApplicationMinuteCounts, async ({ params, query }) => {
    const { applicationId } = params
    return minuteCounts(db, { applicationId }, query, new Date())
  })
  serve(door, getReadme, async ({ params }) => pages.getReadme(db, params.applicationId))
  serve(door, patchReadme, async ({ caller, params, body }) => {
    const { applicationId } = params
    return pages.setReadme(db, applicationId, actorOf(caller), body.content, new Date())
  })
  serve(door, searchApplication, async ({ params, query }) =>
    pages.searchApplication(db, params.applicationId, query.filter),
  )
}
