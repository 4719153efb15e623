/** What the devices of the benchmarks over HTTP report: five attributes, one of each common type and a second number. */

import type { DeviceAttribute } from '../contract/devices.ts'
import type { DeviceState } from '../contract/states.ts'

export const ATTRIBUTES: DeviceAttribute[] = [
  { name: 'temperature', dataType: 'number' },
  { name: 'pressure', dataType: 'number' },
  { name: 'running', dataType: 'boolean' },
  { name: 'mode', dataType: 'string' },
  { name: 'position', dataType: 'gps' },
]

const MODES = ['idle', 'heating', 'cooling', 'fault']

/** So many states from a moment on, `stepMs` apart. */
export function statesOf(from: number, stepMs: number, count: number): DeviceState[] {
  return Array.from({ length: count }, (_, step) => {
    const time = Math.round(from + step * stepMs)
    const wave = Math.sin(time / 5000)
    return {
      time,
      data: {
        temperature: Math.round(2000 + 500 * wave) / 100,
        pressure: Math.round(101_325 + 80 * wave),
        running: step % 7 > 0,
        mode: MODES[step % MODES.length] ?? '',
        position: `${(48 + wave / 100).toFixed(5)},${(11.5 + step / 1e5).toFixed(5)}`,
      },
    }
  })
}
