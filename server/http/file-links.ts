/**
 * Links to private files: they open without a token until they end. A link names the file and not its content, so it
 * goes on working when the file is moved or gets new content, and ends with the file.
 */

import { createHmac, timingSafeEqual } from 'node:crypto'

export const FILE_LINK_PREFIX = '/privateFiles/'

export interface FileLink {
  readonly applicationId: string
  readonly fileId: string
  readonly expiresAt: Date
}

/** Characters of a name in a link. It is there for people, who go by it, so it can't be changed either. */
const NAME_LENGTH = 100

/** The path and query of a link. */
export function linkToFile(secret: Buffer, link: FileLink, name: string): string {
  const expires = String(link.expiresAt.getTime())
  const shown = [...name].slice(0, NAME_LENGTH).join('')
  const signature = sign(secret, { ...link, name: shown, expires })
  return `${FILE_LINK_PREFIX}${link.applicationId}/${link.fileId}/${encodeURIComponent(shown)}?expires=${expires}&signature=${signature}`
}

/** What a link says, as it was followed. */
interface Given {
  readonly applicationId: string
  readonly fileId: string
  readonly name: string
  readonly expires: string
}

/** Whether a link that was followed opens. */
export function openFileLink(
  secret: Buffer,
  given: Given & { readonly signature: string },
  now: Date,
): 'open' | 'wrong' | 'expired' {
  const expected = Buffer.from(sign(secret, given))
  const signature = Buffer.from(given.signature)
  if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) return 'wrong'
  return new Date(Number(given.expires)) > now ? 'open' : 'expired'
}

/** The word in front keeps the signature from being that of another kind of link. */
const sign = (secret: Buffer, { applicationId, fileId, name, expires }: Given) =>
  createHmac('sha256', secret)
    .update(JSON.stringify(['private file', applicationId, fileId, name, expires]))
    .digest('hex')
