/**
 * Positions as devices report them, in the four notations of the original (behaviour dossier §8.2): decimal degrees,
 * degrees-minutes-seconds, and the NMEA 0183 sentences GLL and GGA. All become decimal degrees, `lat,lon`.
 */

/** The position as `lat,lon` in decimal degrees; undefined when the text is none, or is one without a fix. */
export function parsePosition(text: string): string | undefined {
  const trimmed = text.trim()
  const position = trimmed.startsWith('$') ? fromSentence(trimmed) : (fromDecimal(trimmed) ?? fromSexagesimal(trimmed))
  if (!position) return undefined
  const { latitude, longitude } = position
  return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 ? `${latitude},${longitude}` : undefined
}

interface Position {
  readonly latitude: number
  readonly longitude: number
}

const DECIMAL = /^([+-]?\d+(?:\.\d+)?)\s*,\s*([+-]?\d+(?:\.\d+)?)$/

function fromDecimal(text: string): Position | undefined {
  const match = DECIMAL.exec(text)
  return match ? { latitude: Number(match[1]), longitude: Number(match[2]) } : undefined
}

/** Degrees, then minutes and seconds if given, then the hemisphere: `37°19'56.39"N`. */
const ANGLE = String.raw`(\d+(?:\.\d+)?)\s*[°º]\s*(?:(\d+(?:\.\d+)?)\s*['′’]\s*(?:(\d+(?:\.\d+)?)\s*(?:["″”]|'')\s*)?)?`
const SEXAGESIMAL = new RegExp(`^${ANGLE}([NS])\\s*,?\\s*${ANGLE}([EW])$`, 'i')

function fromSexagesimal(text: string): Position | undefined {
  const match = SEXAGESIMAL.exec(text)
  if (!match) return undefined
  return positionOf(angle(match.slice(1, 5)), angle(match.slice(5, 9)))
}

function angle([degrees = '', minutes = '0', seconds = '0', hemisphere = '']: (string | undefined)[]) {
  const whole = Number(minutes) < 60 && Number(seconds) < 60
  return whole ? signed(Number(degrees) + Number(minutes) / 60 + Number(seconds) / 3600, hemisphere) : undefined
}

/**
 * `$GPGLL,lat,N,lon,E,time,status…` and `$GPGGA,time,lat,N,lon,E,quality,…`, of any talker. A checksum, where there is
 * one, must be right; a status V and a quality 0 mean that the receiver did not know where it was.
 */
function fromSentence(sentence: string): Position | undefined {
  const [, body = '', checksum] = /^\$([^*]+)(?:\*([0-9A-F]{2}))?$/i.exec(sentence) ?? []
  if (checksum !== undefined && Number.parseInt(checksum, 16) !== xorOf(body)) return undefined
  const [name = '', ...fields] = body.split(',')
  if (/^[A-Z]{2}GLL$/.test(name)) return fields[5] === 'V' ? undefined : fromFields(fields)
  if (/^[A-Z]{2}GGA$/.test(name)) return fields[5] === '0' ? undefined : fromFields(fields.slice(1))
  return undefined
}

function fromFields([latitude = '', north = '', longitude = '', east = '']: string[]): Position | undefined {
  // The original's own example of a GLL sentence has an S where longitude's hemisphere stands; it means west there.
  if (!/^[NS]$/.test(north) || !/^[EWS]$/.test(east)) return undefined
  return positionOf(
    packed(/^(\d{2})(\d{2}(?:\.\d+)?)$/, latitude, north),
    packed(/^(\d{3})(\d{2}(?:\.\d+)?)$/, longitude, east),
  )
}

/** Degrees and minutes written together, as `4807.038` for 48°07.038′. */
function packed(form: RegExp, text: string, hemisphere: string): number | undefined {
  const [, degrees, minutes] = form.exec(text) ?? []
  if (degrees === undefined || Number(minutes) >= 60) return undefined
  return signed(Number(degrees) + Number(minutes) / 60, hemisphere)
}

const signed = (degrees: number, hemisphere: string) => (/[SW]/i.test(hemisphere) ? -degrees : degrees)

function positionOf(latitude: number | undefined, longitude: number | undefined): Position | undefined {
  if (latitude === undefined || longitude === undefined) return undefined
  return { latitude: rounded(latitude), longitude: rounded(longitude) }
}

/** To a millimetre: what sixtieths leave behind in binary is no position. The sum turns -0 into 0. */
const rounded = (degrees: number) => Math.round(degrees * 1e8) / 1e8 + 0

const xorOf = (text: string) => Buffer.from(text).reduce((sum, byte) => sum ^ byte, 0)
