/**
 * The address of the service at the front of its links. An answer may repeat what its client wrote as Host: it goes back to
 * that client. A mail or a callback goes to others, and whoever may have one sent must not choose where its links lead.
 */

import { networkInterfaces } from 'node:os'

/** What the settings say of the address. */
export interface Configured {
  readonly host: string
  readonly port: number
  /** FIELDBOOK_PUBLIC_URL. */
  readonly publicUrl: string | undefined
}

/** How a request came in: the header is the client's word, the rest is our end of its connection. */
export interface Reached {
  readonly host: string | undefined
  readonly address: string | undefined
  readonly port: number | undefined
}

/** For links in the answer to a request. */
export const answeredUrl = (configured: Configured, reached: Reached): string =>
  configured.publicUrl ?? (isHost(reached.host) ? `http://${reached.host}` : sharedUrl(configured, reached))

/** For links that others are told: FIELDBOOK_PUBLIC_URL, or the address of ours that the request came to. */
export function sharedUrl(configured: Configured, { address, port }: Reached): string {
  if (configured.publicUrl) return configured.publicUrl
  return address && port ? urlOf(address, port) : configuredUrl(configured)
}

/** What is known without a request: FIELDBOOK_PUBLIC_URL, or the address listened on, of all networks the first one. */
export function configuredUrl({ host, port, publicUrl }: Configured): string {
  if (publicUrl) return publicUrl
  return urlOf(host === '0.0.0.0' || host === '::' ? outsideAddress() : host, port)
}

/** RFC 9110 §7.2: a name or an address, and perhaps a port. Anything more would become part of the path of a link. */
const isHost = (host: string | undefined) =>
  host !== undefined && /^(?:[\w.-]{1,253}|\[[\da-f:.]{2,45}\])(?::\d{1,5})?$/i.test(host)

/** An IPv4 client of a socket for both families is seen by an address of IPv6 that carries its own (RFC 4291 §2.5.5.2). */
function urlOf(address: string, port: number): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  return `http://${plain.includes(':') ? `[${plain}]` : plain}:${port}`
}

const outsideAddress = () =>
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1'
