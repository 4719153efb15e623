/** The job that writes what devices reported to CSV: one file for all, or one for each device, packed then. */

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DevicesDataExport } from '../../contract/data-export.ts'
import type { DeviceAttribute } from '../../contract/devices.ts'
import { invalid } from '../ground/errors.ts'
import { packFolder } from '../ground/zip.ts'
import type { JobWork } from '../jobs/work.ts'
import type { Queryable } from '../stores/postgres/database.ts'
import type { StatesExport } from '../stores/telemetry/slice.ts'
import { chosenDevices, type DeviceSelection } from './device-choice.ts'
import type { SeriesParts } from './time-series.ts'

/** What is asked for, with the bounds resolved when it was: epoch ms, the start 1 for the beginning. */
export interface DataExport extends DeviceSelection, Pick<DevicesDataExport, 'attributes' | 'options'> {
  readonly start: number
  readonly end: number
}

const MAX_FILES = 10_000
const MAX_COLUMNS = 1500

interface Exported {
  readonly id: string
  readonly attributes: readonly DeviceAttribute[]
}

/**
 * The work of a data export. Columns are `ID`, `Timestamp`, `ISO Date` and the attributes asked for, else those that the
 * devices declare; blobs only when they are asked for.
 */
export const exportData =
  ({ db, telemetry }: SeriesParts): JobWork =>
  async ({ applicationId, input }, { folder, signal, progress }) => {
    const wanted = inputOf(input)
    const { filePerDevice = false, includeID = true, includeDate = true } = wanted.options ?? {}
    const devices = await devicesOf(db, applicationId, wanted)
    const write = (of: readonly Exported[], file: string) => {
      const slice: StatesExport = {
        applicationId,
        deviceIds: of.map(({ id }) => id),
        attributes: columnsOf(of, wanted),
        from: wanted.start === 1 ? undefined : wanted.start,
        to: wanted.end,
        leading: { id: includeID, date: includeDate },
      }
      return telemetry.exportStates(slice, file, signal)
    }
    if (!filePerDevice) {
      const path = join(folder, 'data.csv')
      await write(devices, path)
      return { files: [{ name: 'data.csv', path }], output: { devices: devices.length } }
    }
    if (devices.length > MAX_FILES) {
      throw invalid(`query.options.filePerDevice is for at most ${MAX_FILES} devices; these are ${devices.length}`)
    }
    const [files, path] = [join(folder, 'files'), join(folder, 'data.zip')]
    await mkdir(files)
    for (const [index, device] of devices.entries()) {
      await write([device], join(files, `${device.id}.csv`))
      progress(index + 1, devices.length)
    }
    await packFolder(files, path, signal)
    return { files: [{ name: 'data.zip', path }], output: { devices: devices.length } }
  }

/** The input as the request was checked before it was queued. */
const inputOf = (input: Readonly<Record<string, unknown>>) => input as unknown as DataExport

/** Only what is needed of them: there may be a hundred thousand. */
async function devicesOf(db: Queryable, applicationId: string, wanted: DeviceSelection): Promise<Exported[]> {
  const values: unknown[] = []
  const { deviceQuery: query, deviceIds, deviceTags } = wanted
  const chosen = chosenDevices(applicationId, { query, deviceIds, deviceTags }, values, 'query.deviceQuery')
  return db.query(`select id, attributes from devices where ${chosen} order by id collate "C"`, values)
}

/** In the order asked for, else in which they are first declared. */
function columnsOf(devices: readonly Exported[], { attributes: asked, options }: DataExport): string[] {
  const blobs = new Set<string>()
  const plain = new Set<string>()
  for (const { attributes } of devices) {
    for (const { name, dataType } of attributes) (dataType === 'blob' ? blobs : plain).add(name)
  }
  const isLeftOut = (name: string) => !options?.includeBlobData && blobs.has(name) && !plain.has(name)
  const all = asked?.length ? [...new Set(asked)] : [...new Set(devices.flatMap(namesOf))]
  const columns = all.filter((name) => !isLeftOut(name))
  if (columns.length > MAX_COLUMNS) {
    throw invalid(`query.attributes must name at most ${MAX_COLUMNS} attributes; these devices have ${columns.length}`)
  }
  return columns
}

const namesOf = ({ attributes }: Exported) => attributes.map(({ name }) => name)
