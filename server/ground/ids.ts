/** Ids as the published API spells them: 24 hexadecimal digits, the first eight of them the second they were made in. */

import { randomBytes } from 'node:crypto'

const random = randomBytes(5).toString('hex')
let counter = randomBytes(3).readUIntBE(0, 3)

/** A new id; ids of one process sort in the order in which they were made. */
export function newId(now: Date = new Date()): string {
  const seconds = Math.floor(now.getTime() / 1000)
    .toString(16)
    .padStart(8, '0')
  counter = (counter + 1) % 0x1000000
  return seconds + random + counter.toString(16).padStart(6, '0')
}

const ID = /^[A-Fa-f\d]{24}$/

export const isId = (text: string) => ID.test(text)
