/** Many devices at once: contract routes to the rooms below. */

import {
  deleteDevices,
  exportDevices,
  MAX_AT_ONCE,
  patchDevices,
  restoreDevices,
} from '../../../contract/device-bulk.ts'
import * as bulk from '../../catalog/device-bulk.ts'
import type { DeviceJobKind } from '../../catalog/device-jobs.ts'
import { deviceCondition } from '../../catalog/device-query.ts'
import { type Told, toldOf } from '../../jobs/told.ts'
import { forgetAttributes } from '../../stores/telemetry/forget-attributes.ts'
import { askedBy, type Caller } from '../job-requests.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

/** Registers the routes of bulk changes. */
export function serveDeviceBulk(door: Door, { db, jobs }: Parts): void {
  const changing = { db, forgetAttributes }
  const enqueue = (
    call: Caller,
    applicationId: string,
    job: { kind: DeviceJobKind; name: string; input: object },
    told: Told,
  ) =>
    jobs.enqueue(db, {
      applicationId,
      kind: job.kind,
      name: job.name,
      resourceType: 'device',
      mailsUser: job.kind === 'devicesExport',
      input: { ...job.input, ...toldOf(told) },
      ...askedBy(call),
    })

  serve(door, patchDevices, async (call) => {
    const { email: _, callbackUrl: __, ...patch } = call.body
    const { applicationId } = call.params
    const ids = await bulk.devicesToPatch(db, applicationId, patch)
    if (ids.length > MAX_AT_ONCE) {
      const job = { kind: 'devicesPatch', name: 'Change of devices', input: { patch } } as const
      return enqueue(call, applicationId, job, call.body)
    }
    const { failures: ___, ...counts } = await bulk.updateDevices(changing, applicationId, ids, patch)
    return counts
  })
  serve(door, deleteDevices, async (call) => {
    const { query, forceJob } = call.body
    const { applicationId } = call.params
    const ids = await bulk.devicesToDelete(db, applicationId, query)
    if (forceJob || ids.length > MAX_AT_ONCE) {
      const job = { kind: 'devicesDelete', name: 'Deletion of devices', input: { query } } as const
      return enqueue(call, applicationId, job, call.body)
    }
    return { removed: await bulk.deleteDevices(changing, applicationId, ids), failed: 0 }
  })
  serve(door, restoreDevices, async (call) => {
    const { query, forceJob } = call.body
    const { applicationId } = call.params
    const ids = await bulk.devicesToRestore(db, applicationId, query)
    if (forceJob || ids.length > MAX_AT_ONCE) {
      const job = { kind: 'devicesRestore', name: 'Restoration of devices', input: { query } } as const
      return enqueue(call, applicationId, job, call.body)
    }
    return { restored: await bulk.restoreDevices(changing, applicationId, ids), failed: 0 }
  })
  serve(door, exportDevices, async (call) => {
    const { query = {}, format = 'csv', ...told } = call.body
    const { applicationId } = call.params
    deviceCondition(query, [], 'options.query') // a fault is told now, not by a job that fails
    const job = { kind: 'devicesExport', name: 'Export of devices', input: { query, format } } as const
    return enqueue(call, applicationId, job, { ...call.query, ...told })
  })
}
