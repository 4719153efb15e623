/** Helpers for positions on the earth (behaviour dossier §5), as devices report them: `39.1,-84.5` and the like. */

import { parsePosition } from '../stores/telemetry/position.ts'
import { numberOf, textOf, type ValueHelper } from './values.ts'

interface Position {
  readonly latitude: number
  readonly longitude: number
}

export const positions: Record<string, ValueHelper> = {
  /** Nothing for what is no position. */
  formatGps: (value, format, precision) => {
    const position = positionOf(value)
    const write = FORMATS.get(format === undefined || format === '' ? 'decimal' : String(format))
    if (!write) throw new Error(`"formatGps" knows ${[...FORMATS.keys()].join(', ')}`)
    return position && write(position, placesOf(precision))
  },
  gpsDistance: (a, b) => {
    const [from, to] = [positionOf(a), positionOf(b)]
    return from && to ? distance(from, to) : undefined
  },
  gpsIsPointInside: (point, polygon) => {
    const position = positionOf(point)
    const corners = Array.isArray(polygon) ? polygon.map(positionOf) : []
    return (
      position !== undefined &&
      isInside(
        position,
        corners.filter((corner) => corner !== undefined),
      )
    )
  },
}

/** In any of the notations that devices may report. */
function positionOf(value: unknown): Position | undefined {
  const pair = parsePosition(textOf(value).slice(0, MAX_TEXT))
  if (pair === undefined) return undefined
  const [latitude, longitude] = pair.split(',')
  return { latitude: Number(latitude), longitude: Number(longitude) }
}

const MAX_TEXT = 200

/** Decimal places, 6 unless said otherwise: 11 cm on the ground. */
function placesOf(precision: unknown): number {
  const places = precision === undefined || precision === null ? 6 : Math.trunc(numberOf(precision))
  if (places >= 0 && places <= 20) return places
  throw new Error('a precision is from 0 to 20 decimal places')
}

type WritePosition = (position: Position, places: number) => string

const FORMATS = new Map<string, WritePosition>([
  ['decimal', ({ latitude, longitude }, places) => `${latitude.toFixed(places)},${longitude.toFixed(places)}`],
  ['degrees', eachSide(', ', (degrees, side, places) => `${degrees.toFixed(places)}° ${side}`)],
  ['sexagesimal', eachSide(', ', sexagesimal)],
  ['gga', eachSide(',', gga)],
])

/** North or south, then east or west, of degrees without a sign. `wide` is the count of digits of whole degrees. */
function eachSide(
  between: string,
  write: (degrees: number, side: string, places: number, wide: number) => string,
): WritePosition {
  return ({ latitude, longitude }, places) =>
    [
      write(Math.abs(latitude), latitude < 0 ? 'S' : 'N', places, 2),
      write(Math.abs(longitude), longitude < 0 ? 'W' : 'E', places, 3),
    ].join(between)
}

/** `39° 6' 13.92" N` */
function sexagesimal(degrees: number, side: string, places: number): string {
  const [minutes, seconds] = split(degrees * 60, places)
  return `${Math.floor(minutes / 60)}° ${minutes % 60}' ${seconds}" ${side}`
}

/** The fields of an NMEA sentence: `3906.232,N` */
function gga(degrees: number, side: string, places: number, wide: number): string {
  const [whole, minutes] = split(degrees, places)
  const [ones = '', decimals] = minutes.split('.')
  const padded = ones.padStart(2, '0')
  return `${String(whole).padStart(wide, '0')}${decimals === undefined ? padded : `${padded}.${decimals}`},${side}`
}

/** Whole units and sixtieths, rounded so that there are never sixty of them. */
function split(value: number, places: number): [number, string] {
  const whole = Math.floor(value)
  const rest = ((value - whole) * 60).toFixed(places)
  return Number(rest) < 60 ? [whole, rest] : [whole + 1, (0).toFixed(places)]
}

/** The mean radius of the earth in metres (IUGG). */
const EARTH = 6_371_008.8

const radians = (degrees: number) => (degrees * Math.PI) / 180

/** Metres along a great circle (haversine). */
function distance(from: Position, to: Position): number {
  const [north, east] = [radians(to.latitude - from.latitude), radians(to.longitude - from.longitude)]
  const half =
    Math.sin(north / 2) ** 2 +
    Math.cos(radians(from.latitude)) * Math.cos(radians(to.latitude)) * Math.sin(east / 2) ** 2
  return 2 * EARTH * Math.asin(Math.min(1, Math.sqrt(half)))
}

/** Whether a line from the point to the east crosses an odd number of edges. */
function isInside(point: Position, corners: readonly Position[]): boolean {
  let inside = false
  for (const [index, a] of corners.entries()) {
    const b = corners.at(index - 1) ?? a
    const crosses = a.latitude > point.latitude !== b.latitude > point.latitude
    const east = a.longitude + ((point.latitude - a.latitude) / (b.latitude - a.latitude)) * (b.longitude - a.longitude)
    if (crosses && point.longitude < east) inside = !inside
  }
  return inside
}
