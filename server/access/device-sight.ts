/**
 * What a device may see of its application: itself, the peripherals whose gateway it is, and all whose parent, or parent's
 * parent, it is (decision on device callers, docs/decisions). Everything else is not there for it.
 */

import type { Caller } from './callers.ts'

/** The device that bounds what a caller may see; undefined for callers who see all of the application. */
export const sightOf = (caller: Caller): string | undefined => (caller.kind === 'device' ? caller.deviceId : undefined)

/** The condition that a device may see another one, over a row of `devices` under some name; `by` is a placeholder. */
export const seenBy = (by: string, name = 'devices'): string =>
  `(${name}.id = ${by} or ${name}.gateway_id = ${by} or ${name}.ancestor_ids @> array[${by}])`
