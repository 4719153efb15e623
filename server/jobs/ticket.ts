/**
 * The two spellings of a job's id. The published API answers a request with at most 21 characters and keeps the log under
 * 24 hexadecimal digits; both name the same 96 bits here, so that nothing has to be looked up to get from one to the other.
 */

/** 36^19 is the first power above 2^96. */
const TICKET_LENGTH = 19
const ID_LENGTH = 24
const TICKET = /^[0-9a-z]{19}$/

/** The 19 small letters and digits a caller is given for a job id. */
export const ticketOf = (id: string) => BigInt(`0x${id}`).toString(36).padStart(TICKET_LENGTH, '0')

/** The job id of a ticket, or of an id itself; undefined for what is neither. */
export function jobIdOf(text: string): string | undefined {
  const small = text.toLowerCase()
  if (/^[\da-f]{24}$/.test(small)) return small
  if (!TICKET.test(small)) return undefined
  const id = [...small].reduce((sum, digit) => sum * 36n + BigInt(Number.parseInt(digit, 36)), 0n).toString(16)
  return id.length <= ID_LENGTH ? id.padStart(ID_LENGTH, '0') : undefined
}
