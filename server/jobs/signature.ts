/** How a receiver knows that a callback is ours and fresh: an HMAC over the moment and the body, as payment services do it. */

import { createHmac } from 'node:crypto'

/**
 * The value of `X-Fieldbook-Signature`: `t=<unix seconds>,v1=<hex of HMAC-SHA256 over "<t>.<body>">`, with a `v1` for each
 * of the secrets; their text is the key.
 */
export function signBody(secrets: readonly string[], body: string, at: Date): string {
  const t = Math.floor(at.getTime() / 1000)
  const signatures = secrets.map((secret) => createHmac('sha256', secret).update(`${t}.${body}`).digest('hex'))
  return [`t=${t}`, ...signatures.map((signature) => `v1=${signature}`)].join(',')
}
