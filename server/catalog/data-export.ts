/** The job that writes what devices reported to CSV: one file for all, or one for each device, packed then. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DevicesDataExport } from '../../contract/data-export.ts'
import { invalid } from '../ground/errors.ts'
import { packFolder } from '../ground/zip.ts'
import type { JobWork } from '../jobs/work.ts'
import type { StatesExport } from '../stores/telemetry/slice.ts'
import {
  chooseDeviceIds,
  type DeclaredAttribute,
  type DeviceChoice,
  type DeviceSelection,
  declaredAttributes,
} from './device-choice.ts'
import type { SeriesParts } from './time-series.ts'

/** What is asked for, with the bounds resolved when it was: epoch ms, the start 1 for the beginning. */
export interface DataExport extends DeviceSelection, Pick<DevicesDataExport, 'attributes' | 'options'> {
  readonly start: number
  readonly end: number
  /** The device that asked, which gets only what it may see. */
  readonly within?: string
}

const MAX_FILES = 10_000
const MAX_COLUMNS = 1500
const PATH = 'query.deviceQuery'

/**
 * The work of a data export. Columns are `ID`, `Timestamp`, `ISO Date` and the attributes asked for, else those that the
 * devices declare; blobs only when they are asked for.
 */
export const exportData =
  ({ db, telemetry }: SeriesParts): JobWork =>
  async ({ applicationId, input }, { folder, signal, progress }) => {
    const wanted = inputOf(input)
    const { filePerDevice = false, includeID = true, includeDate = true } = wanted.options ?? {}
    const choice: DeviceChoice = { ...wanted, query: wanted.deviceQuery }
    const deviceIds = await chooseDeviceIds(db, applicationId, choice, PATH)
    const write = async (ids: readonly string[], of: DeviceChoice, file: string) => {
      const slice: StatesExport = {
        applicationId,
        deviceIds: ids,
        attributes: columnsOf(await declaredAttributes(db, applicationId, of, PATH), wanted),
        from: wanted.start === 1 ? undefined : wanted.start,
        to: wanted.end,
        leading: { id: includeID, date: includeDate },
      }
      return telemetry.exportStates(slice, file, signal)
    }
    if (!filePerDevice) {
      const path = join(folder, 'data.csv')
      await write(deviceIds, choice, path)
      return { files: [{ name: 'data.csv', path }], output: { devices: deviceIds.length } }
    }
    if (deviceIds.length > MAX_FILES) {
      throw invalid(`query.options.filePerDevice is for at most ${MAX_FILES} devices; these are ${deviceIds.length}`)
    }
    const [files, path] = [join(folder, 'files'), join(folder, 'data.zip')]
    await mkdir(files)
    for (const [index, id] of deviceIds.entries()) {
      await write([id], { deviceIds: [id] }, join(files, `${id}.csv`))
      progress(index + 1, deviceIds.length)
    }
    await packFolder(files, path, signal)
    return { files: [{ name: 'data.zip', path }], output: { devices: deviceIds.length } }
  }

/** The input as the request was checked before it was queued. */
const inputOf = (input: Readonly<Record<string, unknown>>) => input as unknown as DataExport

/** In the order asked for, else in which they are first declared. */
function columnsOf(declared: readonly DeclaredAttribute[], { attributes: asked, options }: DataExport): string[] {
  const blobs = new Set(declared.filter(({ isBlob }) => isBlob).map(({ name }) => name))
  const all = asked?.length ? [...new Set(asked)] : declared.map(({ name }) => name)
  const columns = options?.includeBlobData ? all : all.filter((name) => !blobs.has(name))
  if (columns.length > MAX_COLUMNS) {
    throw invalid(`query.attributes must name at most ${MAX_COLUMNS} attributes; these devices have ${columns.length}`)
  }
  return columns
}
