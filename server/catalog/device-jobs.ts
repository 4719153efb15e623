/** Work on many devices that goes on after its request was answered. */

import { join } from 'node:path'
import type { DevicesPatch } from '../../contract/device-bulk.ts'
import type { JobTools, JobWork } from '../jobs/work.ts'
import {
  deleteDevices,
  devicesToDelete,
  devicesToPatch,
  devicesToRestore,
  type Progress,
  restoreDevices,
  updateDevices,
} from './device-bulk.ts'
import type { DeviceParts } from './device-change.ts'
import { exportDeviceMetadata, type MetadataFormat } from './device-export.ts'

export type DeviceJobKind = 'devicesPatch' | 'devicesDelete' | 'devicesRestore' | 'devicesExport'

/** The work of each kind. Done twice it is what it was done once: what is changed already is passed over. */
export const deviceJobs = (parts: DeviceParts): Readonly<Record<DeviceJobKind, JobWork>> => ({
  devicesPatch: async ({ applicationId, input }, tools) => {
    const patch = inputOf<{ patch: DevicesPatch }>(input).patch
    const ids = await devicesToPatch(parts.db, applicationId, patch)
    return { output: { ...(await updateDevices(parts, applicationId, ids, patch, progressOf(tools))) } }
  },
  devicesDelete: async ({ applicationId, input }, tools) => {
    const ids = await devicesToDelete(parts.db, applicationId, inputOf<{ query: object }>(input).query)
    return { output: { removed: await deleteDevices(parts, applicationId, ids, progressOf(tools)), failed: 0 } }
  },
  devicesRestore: async ({ applicationId, input }, tools) => {
    const ids = await devicesToRestore(parts.db, applicationId, inputOf<{ query: object }>(input).query)
    return { output: { restored: await restoreDevices(parts, applicationId, ids, progressOf(tools)), failed: 0 } }
  },
  devicesExport: async ({ applicationId, input }, { folder, signal }) => {
    const { query, format } = inputOf<{ query: object; format: MetadataFormat }>(input)
    const [name, path] = [`devices.${format}`, join(folder, 'devices')]
    const wanted = { applicationId, choice: { query }, format, queryPath: 'options.query' }
    const devices = await exportDeviceMetadata(parts.db, wanted, path, signal)
    return { files: [{ name, path }], output: { devices } }
  },
})

/** The input as the request of this kind was checked before it was queued. */
const inputOf = <T>(input: Readonly<Record<string, unknown>>) => input as T

const progressOf = ({ progress, signal }: JobTools): Progress => {
  return (completed, total) => {
    signal.throwIfAborted()
    progress(completed, total)
  }
}
