/** The little world that all examples are from: cold rooms of a dairy, their freezers, and a notebook about each night. */

export const APPLICATION = '6923a1f05c3e8d0012a4b701'
export const USER = '6923a0e15c3e8d0012a4b6ff'
export const FREEZER = '6923a2105c3e8d0012a4b703'
export const GATEWAY = '6923a2085c3e8d0012a4b702'
export const TABLE = '6923a2665c3e8d0012a4b708'
export const ROW = '69268f335c3e8d0012a4b7d9'
export const EVENT = '69267c125c3e8d0012a4b7c0'
export const NOTEBOOK = '6923a2c45c3e8d0012a4b70c'
export const SCHEDULE = '6923b0015c3e8d0012a4b710'
export const EXECUTION = '69268f005c3e8d0012a4b7d1'
export const BACKFILL = '692690aa5c3e8d0012a4b7e0'
export const FILE = '69268f345c3e8d0012a4b7da'
export const JOB = '69268f505c3e8d0012a4b7dd'
export const DELIVERY = '69268f365c3e8d0012a4b7dc'
export const JOB_ID = '0nHq4TzK2bWm7cRfXsL'

/** The day all of this was made on, and the night the notebook was last executed for. */
export const MADE = '2026-11-24T08:20:16.000Z'
export const CHANGED = '2026-11-24T09:02:41.000Z'
export const MIDNIGHT = '2026-11-26T00:00:00.000Z'
export const DAY_BEFORE = '2026-11-25T00:00:00.000Z'

const LINK = 'expires=1764122400&signature=4gk0S5xV8mYb2n1q7Jr3wA'

/** A link to bytes, as they look. */
export const blobLink = (name: string): string =>
  `https://fieldbook.example.com/blobs/ZXhlY3V0aW9ucy82OTI2OGYwMC8x/${name}?${LINK}`
