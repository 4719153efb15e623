/** Ids as the published API spells them: 24 hexadecimal digits, the first eight of them the second they were made in. */

import { randomBytes } from 'node:crypto'

const random = randomBytes(5).toString('hex')
let counter = randomBytes(3).readUIntBE(0, 3)

/** How often the counter began again. Each time counts as a second, or the ids of that second would sort wrongly. */
let wraps = 0

/** A new id; ids of one process sort in the order in which they were made. */
export function newId(now: Date = new Date()): string {
  counter = (counter + 1) % 0x1000000
  if (counter === 0) wraps += 1
  const seconds = Math.floor(now.getTime() / 1000) + wraps
  return seconds.toString(16).padStart(8, '0') + random + counter.toString(16).padStart(6, '0')
}

const ID = /^[A-Fa-f\d]{24}$/

export const isId = (text: string) => ID.test(text)
