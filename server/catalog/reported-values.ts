/**
 * What devices declare, as columns of a question about their history, and an answer's rows as values again. An attribute
 * may be a number on one device and a text on another: each kind is a column, and a device's own type says which counts.
 */

import type { AttributeType, Device } from '../../contract/devices.ts'
import { invalid } from '../ground/errors.ts'
import type { ValueColumn } from '../stores/telemetry/columns.ts'
import type { Kind } from '../stores/telemetry/slice.ts'
import type { StateValue } from '../stores/telemetry/states.ts'

const KIND_OF: Record<AttributeType, Kind> = {
  number: 'number',
  boolean: 'boolean',
  string: 'text',
  gps: 'text',
  blob: 'text',
}

/** How many attributes one question may be about; DuckDB takes more, but an answer of that width helps nobody. */
const MAX_ATTRIBUTES = 1000

export interface ReportedValues {
  readonly attributes: readonly string[]
  readonly columns: readonly ValueColumn[]
  /** The columns of one device, by their place in `columns`. */
  of(device: Device): readonly { readonly attribute: string; readonly place: number }[]
}

/**
 * The attributes that the devices declare, in the order in which they are first seen, or those of `only` that one of them
 * declares. @throws invalid when there are more than 1,000; `field` names where fewer can be asked for
 */
export function reportedValues(
  devices: readonly Device[],
  only: readonly string[] | undefined,
  field: string,
): ReportedValues {
  const wanted = only && new Set(only)
  const places = new Map<string, number>()
  const columns: ValueColumn[] = []
  const keyOf = (attribute: string, type: AttributeType) => `${KIND_OF[type]} ${attribute}`
  for (const device of devices) {
    for (const { name, dataType } of device.attributes) {
      const key = keyOf(name, dataType)
      if (places.has(key) || (wanted && !wanted.has(name))) continue
      places.set(key, columns.length)
      columns.push({ attribute: name, kind: KIND_OF[dataType] })
    }
  }
  const attributes = [...new Set(columns.map(({ attribute }) => attribute))]
  if (attributes.length > MAX_ATTRIBUTES) {
    throw invalid(`${field} must name at most ${MAX_ATTRIBUTES} attributes; these devices have ${attributes.length}`)
  }
  return {
    attributes,
    columns,
    of: (device) =>
      device.attributes.flatMap(({ name, dataType }) => {
        const place = places.get(keyOf(name, dataType))
        return place === undefined ? [] : [{ attribute: name, place }]
      }),
  }
}

/** A value of an answer's row; undefined when the row has none. */
export function valueAt(row: Readonly<Record<string, unknown>>, column: string): StateValue | undefined {
  const value = row[column]
  return typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean' ? value : undefined
}
