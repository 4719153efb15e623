/** How a receiver knows that a callback is ours and fresh: an HMAC over the moment and the body, as payment services do it. */

import { createHmac } from 'node:crypto'

/**
 * The value of `X-Fieldbook-Signature`: `t=<unix seconds>,v1=<hex of HMAC-SHA256 over "<t>.<body>">`. The key is the text
 * in the file `callback-secret` of the keys folder.
 */
export function signBody(secret: string, body: string, at: Date): string {
  const t = Math.floor(at.getTime() / 1000)
  return `t=${t},v1=${createHmac('sha256', secret).update(`${t}.${body}`).digest('hex')}`
}
