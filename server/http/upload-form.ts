/**
 * The form that content of a file is uploaded with, in the manner of S3's forms: the client sends every field but
 * `bucket`, and then the part `file`. The policy says which file, how large, until when; its signature shows that it is ours.
 */

import { createHmac, timingSafeEqual } from 'node:crypto'
import type { FileTree } from '../catalog/files/rows.ts'
import { forbidden, invalid } from '../ground/errors.ts'

/** What somebody with the form may do, without any token. */
export interface UploadGrant {
  readonly tree: FileTree
  readonly fileId: string
  readonly maxBytes: number
  readonly expiresAt: Date
}

/** Clients leave this one out; its value has no meaning. */
const BUCKET = 'fieldbook'

/** The fields of a form, as clients are to send them back. */
export function uploadFields(secret: Buffer, grant: UploadGrant): Record<string, string> {
  const key = keyOf(grant)
  const policy = {
    expiration: grant.expiresAt.toISOString(),
    conditions: [{ bucket: BUCKET }, { key }, ['content-length-range', 0, grant.maxBytes]],
  }
  const text = Buffer.from(JSON.stringify(policy)).toString('base64')
  return { key, bucket: BUCKET, Policy: text, 'X-Amz-Algorithm': ALGORITHM, 'X-Amz-Signature': sign(secret, text) }
}

const ALGORITHM = 'HMAC-SHA256'

/**
 * What the fields of a form allow. Names of fields count in any case, as with S3; those that are not ours are ignored.
 * @throws invalid when one is missing; forbidden when the policy is not ours, not for this key, or has ended
 */
export function openUploadForm(secret: Buffer, fields: ReadonlyMap<string, string>, now: Date): UploadGrant {
  const given = new Map([...fields].map(([name, value]) => [name.toLowerCase(), value]))
  const [policy, signature, key] = ['Policy', 'X-Amz-Signature', 'key'].map((name) => {
    const value = given.get(name.toLowerCase())
    if (value === undefined) throw invalid(`The form has no field ${name} before the file; all fields must come first`)
    return value
  })
  if (!isSigned(secret, policy ?? '', signature ?? '')) throw forbidden('The policy of this form is not valid')
  const grant = readPolicy(policy ?? '')
  if (key !== keyOf(grant)) throw forbidden('The policy of this form is for another key')
  if (grant.expiresAt <= now) throw forbidden('This form has expired; ask the API for a new one')
  return grant
}

const keyOf = ({ tree, fileId }: Pick<UploadGrant, 'tree' | 'fileId'>) =>
  `${tree.private ? 'privateFiles' : 'files'}/${tree.applicationId}/${fileId}`

/** The policy is our own text, so it has the shape that `uploadFields` gave it. */
function readPolicy(text: string): UploadGrant {
  const { expiration, conditions } = JSON.parse(Buffer.from(text, 'base64').toString())
  const [kind, applicationId, fileId] = String(conditions[1].key).split('/')
  return {
    tree: { applicationId: applicationId ?? '', private: kind === 'privateFiles' },
    fileId: fileId ?? '',
    maxBytes: Number(conditions[2][2]),
    expiresAt: new Date(expiration),
  }
}

function isSigned(secret: Buffer, policy: string, signature: string): boolean {
  const [expected, given] = [Buffer.from(sign(secret, policy)), Buffer.from(signature)]
  return expected.length === given.length && timingSafeEqual(expected, given)
}

/** The word before the policy keeps the signature from being that of a link. */
const sign = (secret: Buffer, policy: string) =>
  createHmac('sha256', secret)
    .update(JSON.stringify(['upload', policy]))
    .digest('hex')
