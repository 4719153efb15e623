/**
 * The history the telemetry benchmarks work on: a fleet of devices of four classes that report in turn once a minute.
 * Made up, but always the same. Three attributes are common to all devices and each class has two of its own; every
 * attribute is missing in one report of ten.
 */

export type ValueType = 'number' | 'boolean' | 'text'

export interface Attribute {
  readonly name: string
  readonly type: ValueType
  /** Devices of which class report it; undefined for all. */
  readonly of: number | undefined
  /** Its value as JSON, which is at the same time its CSV cell; `chance` is a whole number below 2^32. */
  readonly cell: (chance: number) => string
}

export interface Fleet {
  /** 24 hexadecimal digits, in no order. */
  readonly deviceIds: readonly string[]
  /** Of the first report, epoch ms. */
  readonly startMs: number
}

const CLASSES = 4
const STEP_MS = 60_000
const MISSING_IN = 10
const STATES = ['idle', 'open', 'closed', 'fault']

export const ATTRIBUTES: readonly Attribute[] = [
  { name: 'temperature', type: 'number', of: undefined, cell: (chance) => String(((chance % 6000) - 2000) / 100) },
  { name: 'battery', type: 'number', of: undefined, cell: (chance) => String(chance % 101) },
  { name: 'pressure', type: 'number', of: undefined, cell: (chance) => String((chance % 200_000) / 1000) },
  { name: 'rpm', type: 'number', of: 0, cell: (chance) => String(chance % 5000) },
  { name: 'running', type: 'boolean', of: 0, cell: (chance) => String(chance % 3 > 0) },
  { name: 'flow', type: 'number', of: 1, cell: (chance) => String((chance % 100_000) / 100) },
  { name: 'state', type: 'text', of: 1, cell: (chance) => `"${STATES[chance % STATES.length]}"` },
  { name: 'position', type: 'text', of: 2, cell: (chance) => `"${place(48, chance)},${place(11, chance >>> 12)}"` },
  { name: 'speed', type: 'number', of: 2, cell: (chance) => String(chance % 131) },
  { name: 'humidity', type: 'number', of: 3, cell: (chance) => String((chance % 1000) / 10) },
  { name: 'occupied', type: 'boolean', of: 3, cell: (chance) => String(chance % 2 === 0) },
]
/** Every device has these, and no report lacks all of them. */
export const COMMON: readonly string[] = ATTRIBUTES.filter(({ of }) => of === undefined).map(({ name }) => name)

const place = (degrees: number, chance: number) => (degrees + (chance % 100_000) / 100_000).toFixed(5)

/** A fleet of so many devices; fleets of different salt have nothing in common. */
export function makeFleet(devices: number, salt: number): Fleet {
  const deviceIds = Array.from({ length: devices }, (_, device) =>
    [0, 1, 2]
      .map((part) =>
        mixed(device * 3 + part, salt)
          .toString(16)
          .padStart(8, '0'),
      )
      .join(''),
  )
  return { deviceIds, startMs: Date.UTC(2026, 0, 5) }
}

/** When step number `time` begins; the devices report one after the other within it. */
export const momentOf = (fleet: Fleet, time: number) => fleet.startMs + time * STEP_MS

export interface Lines {
  /** For COPY into the hot table, text format: application, device, time, document. */
  readonly hot: string
  /** For a flat table: device, time, all attributes. */
  readonly flat: string
}

/** The reports of a range of steps in the order in which they come in, the lines of one step at a time. */
export function* reportsOf(fleet: Fleet, applicationId: string, from: number, to: number): Generator<Lines> {
  for (let time = from; time < to; time++) {
    let [hot, flat] = ['', '']
    for (const [device, id] of fleet.deviceIds.entries()) {
      const ts = momentOf(fleet, time) + device
      const { doc, cells } = reportOf(device, time)
      hot += `${applicationId}\t${id}\t${ts}\t{${doc}}\n`
      flat += `${id},${ts}${cells}\n`
    }
    yield { hot, flat }
  }
}

function reportOf(device: number, time: number): { doc: string; cells: string } {
  let [doc, cells] = ['', '']
  for (const [index, { name, of, cell }] of ATTRIBUTES.entries()) {
    cells += ','
    if (of !== undefined && of !== device % CLASSES) continue
    const chance = mixed(time * ATTRIBUTES.length + index, device)
    const isLastCommon = index === COMMON.length - 1
    if (chance % MISSING_IN === 0 && !(isLastCommon && doc === '')) continue
    const value = cell(Math.floor(chance / MISSING_IN))
    cells += value
    doc += `${doc === '' ? '' : ','}"${name}":${value}`
  }
  return { doc, cells }
}

/** Two numbers mixed to one below 2^32 (the finaliser of MurmurHash3): chance that comes out alike every time. */
function mixed(one: number, other: number): number {
  let hash = Math.imul(one ^ Math.imul(other + 1, 0x9e3779b1), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
