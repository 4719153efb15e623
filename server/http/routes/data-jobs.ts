/** Jobs upon the history of devices, exports and removals: contract routes to the rooms below. */

import { exportData, exportDevice, removeDeviceData, removeDevicesData } from '../../../contract/data-export.ts'
import { sightOf } from '../../access/device-sight.ts'
import { chosenDevices, type DeviceSelection } from '../../catalog/device-choice.ts'
import { getDevice } from '../../catalog/devices.ts'
import { bodyBounds, boundsOf } from '../../catalog/time-range.ts'
import { toldOf } from '../../jobs/told.ts'
import { isYes } from '../envelope.ts'
import { askedBy, type Caller } from '../job-requests.ts'
import type { Parts } from '../parts.ts'
import { type Door, serve } from '../serve.ts'

interface DataJob {
  readonly kind: 'dataExport' | 'dataRemoval'
  readonly name: string
  readonly resourceId?: string
  readonly mailsUser?: boolean
  readonly input: Readonly<Record<string, unknown>>
}

/** Registers the routes of jobs upon history. */
export function serveDataJobs(door: Door, { db, jobs }: Parts): void {
  const enqueue = (call: Caller, applicationId: string, job: DataJob) =>
    jobs.enqueue(db, {
      applicationId,
      kind: job.kind,
      name: job.name,
      resourceType: 'device',
      ...(job.resourceId ? { resourceId: job.resourceId } : {}),
      mailsUser: job.mailsUser ?? false,
      input: job.input,
      ...askedBy(call),
    })

  serve(door, exportData, async (call) => {
    const { applicationId } = call.params
    requireSelection(applicationId, call.body, 'query.deviceQuery')
    const within = sightOf(call.caller)
    const bounds = resolved(bodyBounds(call.body, new Date(), 'query'))
    const input = { ...call.body, ...bounds, ...(within === undefined ? {} : { within }) }
    return enqueue(call, applicationId, { kind: 'dataExport', name: 'Export of data', input })
  })
  serve(door, exportDevice, async (call) => {
    const { query, body } = call
    const { applicationId } = call.params
    const device = await getDevice(db, applicationId, call.params.deviceId)
    const now = new Date()
    const fromBody = body.start !== undefined || body.end !== undefined
    const bounds = fromBody ? bodyBounds(body, now, 'query') : textBounds(query, now)
    const input = {
      ...toldOf(query),
      ...body,
      ...resolved(bounds),
      options: { includeBlobData: isYes(query.includeBlobData), ...body.options },
      deviceIds: [device.id],
    }
    return enqueue(call, applicationId, {
      kind: 'dataExport',
      name: `Export of ${device.name}`,
      mailsUser: true,
      resourceId: device.id,
      input,
    })
  })
  serve(door, removeDeviceData, async (call) => {
    const { applicationId } = call.params
    const device = await getDevice(db, applicationId, call.params.deviceId)
    const bounds = textBounds(call.query, new Date())
    const input = { ...resolved(bounds), deviceIds: [device.id], keepConnectionHistory: false }
    const name = `Removal of the data of ${device.name}`
    return enqueue(call, applicationId, { kind: 'dataRemoval', name, resourceId: device.id, input })
  })
  serve(door, removeDevicesData, async (call) => {
    const { applicationId } = call.params
    const { query: deviceQuery, attributes, keepConnectionHistory, ...rest } = call.body
    requireSelection(applicationId, { deviceQuery }, 'options.query')
    const input = {
      ...rest,
      ...resolved(bodyBounds(rest, new Date(), 'options')),
      deviceQuery,
      ...(attributes ? { attributes } : {}),
      // A log is of the device as a whole: whoever names attributes means those, unless they say otherwise.
      keepConnectionHistory: keepConnectionHistory ?? (attributes ?? []).length > 0,
    }
    return enqueue(call, applicationId, { kind: 'dataRemoval', name: 'Removal of data', input })
  })
}

/** A fault of the query is told now, not by a job that fails. @throws invalid */
function requireSelection(applicationId: string, selection: DeviceSelection, path: string): void {
  chosenDevices(applicationId, { ...selection, query: selection.deviceQuery }, [], path)
}

interface HalfOpen {
  readonly from: number | undefined
  readonly to: number
}

/** Query parameters, whose end is included; up to now unless said otherwise. */
function textBounds(query: { start?: string; end?: string }, now: Date): HalfOpen {
  const { from, to } = boundsOf({ start: query.start, end: query.end || '0' }, now)
  return { from, to: to ?? now.getTime() + 1 }
}

const resolved = ({ from, to }: HalfOpen) => ({ start: from ?? 1, end: to })
