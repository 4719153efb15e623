/** Applications, devices and their states, data tables and files. */

import { createApplication, getApplication, listApplications } from '../../../contract/applications.ts'
import { createDataTable, getDataTable, listDataTables, listRows } from '../../../contract/data-tables.ts'
import {
  createDevice,
  deleteDevice,
  getDevice,
  getState,
  listDevices,
  patchDevice,
  sendState,
} from '../../../contract/devices.ts'
import { getFile, listFiles } from '../../../contract/files.ts'
import * as applications from '../../catalog/applications.ts'
import * as tables from '../../catalog/data-tables.ts'
import * as devices from '../../catalog/devices.ts'
import * as files from '../../catalog/files.ts'
import { listRows as rowsOfTable } from '../../catalog/rows.ts'
import { listStates, sendStates } from '../../catalog/states.ts'
import { invalid } from '../../ground/errors.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Query parameters of the original that would change an answer and are not understood yet: said, not passed over. */
const NOT_YET = ['query', 'tagFilter', 'tagsAsObject', 'attributesAsObject', 'queryDeleted']

function refuseNotYet(query: object): void {
  const name = Object.keys(query)
    .map((key) => key.split('[')[0] ?? '')
    .find((key) => NOT_YET.includes(key))
  if (name) throw invalid(`${name} is not supported yet; leave it out`)
}

/** Registers the routes of everything that notebooks work with. */
export function serveCatalog(door: Door, { db, config, log }: Parts): void {
  const enter = (userId: string, applicationId: string) => applications.enterApplication(db, userId, applicationId)

  serve(door, createApplication, ({ caller, body }) => applications.createApplication(db, caller.userId, body))
  serve(door, listApplications, ({ caller, query }) => applications.listApplications(db, caller.userId, query))
  serve(door, getApplication, ({ caller, params }) =>
    applications.getApplication(db, caller.userId, params.applicationId),
  )

  serve(door, createDevice, async ({ caller, params, body }) =>
    devices.createDevice(db, await enter(caller.userId, params.applicationId), body),
  )
  serve(door, listDevices, async ({ caller, params, query }) => {
    refuseNotYet(query)
    return devices.listDevices(db, await enter(caller.userId, params.applicationId), query)
  })
  serve(door, getDevice, async ({ caller, params, query }) => {
    refuseNotYet(query)
    return devices.getDevice(db, await enter(caller.userId, params.applicationId), params.deviceId)
  })
  serve(door, patchDevice, async ({ caller, params, body }) =>
    devices.patchDevice(db, await enter(caller.userId, params.applicationId), params.deviceId, body),
  )
  serve(door, deleteDevice, async ({ caller, params }) => {
    await devices.deleteDevice(db, await enter(caller.userId, params.applicationId), params.deviceId)
    return { success: true }
  })

  serve(door, sendState, async ({ caller, params, body }) => {
    const applicationId = await enter(caller.userId, params.applicationId)
    const rules = { maxAgeMs: config.ingest.maxAgeMs, now: new Date() }
    const { ignored } = await sendStates(db, applicationId, params.deviceId, body, rules)
    if (ignored > 0) log.info({ applicationId, deviceId: params.deviceId, ignored }, 'states ignored')
    return { success: true }
  })
  serve(door, getState, async ({ caller, params, query }) =>
    listStates(db, await enter(caller.userId, params.applicationId), params.deviceId, query, new Date()),
  )

  serve(door, createDataTable, async ({ caller, params, body }) =>
    tables.createDataTable(db, await enter(caller.userId, params.applicationId), body),
  )
  serve(door, listDataTables, async ({ caller, params, query }) =>
    tables.listDataTables(db, await enter(caller.userId, params.applicationId), query),
  )
  serve(door, getDataTable, async ({ caller, params }) =>
    tables.getDataTable(db, await enter(caller.userId, params.applicationId), params.dataTableId),
  )
  serve(door, listRows, async ({ caller, params, query }) =>
    rowsOfTable(db, await enter(caller.userId, params.applicationId), params.dataTableId, query),
  )

  serve(door, listFiles, async ({ caller, params, query, baseUrl }) =>
    files.listFiles(db, await enter(caller.userId, params.applicationId), query, baseUrl),
  )
  serve(door, getFile, async ({ caller, params, baseUrl }) =>
    files.getFile(db, await enter(caller.userId, params.applicationId), params.fileId, baseUrl),
  )
}
