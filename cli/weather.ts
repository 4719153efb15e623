/**
 * Real device history for the demo: the daily weather of Seattle and New York, 2012 to 2015 (NOAA's Global Historical
 * Climatology Network), as the npm package vega-datasets carries it.
 */

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { parse } from 'csv-parse/sync'
import type { DevicePost } from '../contract/devices.ts'
import type { DeviceState } from '../contract/states.ts'

export interface Station {
  readonly device: DevicePost
  /** One for each day, at 00:00 UTC, in order. */
  readonly states: readonly DeviceState[]
}

/** Where the stations stand: the airports where GHCN measures. */
const PLACES: Record<string, { position: string; state: string }> = {
  Seattle: { position: '47.4444,-122.3139', state: 'Washington' },
  'New York': { position: '40.6386,-73.7622', state: 'New York' },
}

/** The stations of the data set, in the order in which it names them. */
export async function readStations(): Promise<Station[]> {
  // The package exports its code only; the data folder lies beside it.
  const code = createRequire(import.meta.url).resolve('vega-datasets')
  const csv = await readFile(join(dirname(code), '..', 'data', 'weather.csv'), 'utf8')
  const days: Record<string, string>[] = parse(csv, { columns: true, skip_empty_lines: true })
  const byStation = Map.groupBy(days, (day) => day['location'] ?? '')
  return [...byStation].map(([name, own]) => ({ device: deviceOf(name), states: own.map(stateOf) }))
}

function deviceOf(name: string): DevicePost {
  const place = PLACES[name]
  return {
    name: `${name} weather station`,
    description: 'One report a day: extremes of the temperature, rain in the gauge, wind, and a word for the day.',
    tags: [
      { key: 'kind', value: 'weatherStation' },
      { key: 'city', value: name },
      ...(place ? [{ key: 'state', value: place.state }] : []),
    ],
    attributes: [
      { name: 'precipitation', dataType: 'number', description: 'mm' },
      { name: 'temp_max', dataType: 'number', description: '°C' },
      { name: 'temp_min', dataType: 'number', description: '°C' },
      { name: 'wind', dataType: 'number', description: 'm/s' },
      { name: 'weather', dataType: 'string' },
    ],
  }
}

const stateOf = (day: Record<string, string>): DeviceState => ({
  time: `${day['date']}T00:00:00.000Z`,
  data: {
    precipitation: Number(day['precipitation']),
    temp_max: Number(day['temp_max']),
    temp_min: Number(day['temp_min']),
    wind: Number(day['wind']),
    weather: day['weather'] ?? '',
  },
})
