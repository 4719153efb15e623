/**
 * Whose a request is, where there is no token: the address its connection came from. X-Forwarded-For is what anybody can
 * write, so it counts only when the connection is from a proxy that FIELDBOOK_TRUSTED_PROXIES names.
 */

import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'

/** Whether an address is among those that are written as addresses and as networks with `/bits`. */
export function addressesIn(written: readonly string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const one of written) {
    const [address = '', bits] = one.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return (address) => isIP(address) > 0 && list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/**
 * Where a request came from: the last address before those of proxies that are trusted. Fastify's `request.ip` is the
 * same, but for requests that it refuses before it looks for a route: of these it is the connection's.
 */
export function addressOf({ headers, socket }: IncomingMessage, isTrusted: (address: string) => boolean): string {
  const told = String(headers['x-forwarded-for'] ?? '').split(',')
  const addresses = [...told.map((one) => one.trim()).filter(Boolean), socket.remoteAddress ?? '']
  return addresses.findLast((address) => !isTrusted(address)) ?? addresses[0] ?? ''
}

/**
 * What counts as one client: an IPv4 address, also in IPv6 clothes; of IPv6 the network of 64 bits, which is what one
 * subscriber is given and can take any address of (RFC 6177).
 */
export function clientOf(address: string): string {
  if (isIP(address) !== 6) return address
  const [plain = ''] = address.split('%')
  const canonical = URL.parse(`http://[${plain}]`)?.hostname.slice(1, -1) ?? plain
  const [, high, low] = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/.exec(canonical) ?? []
  if (high && low) return [high, low].flatMap((word) => bytesOf(word)).join('.')
  const [before = '', after] = canonical.split('::')
  const [front, back] = [before, after ?? ''].map((part) => part.split(':').filter(Boolean))
  const zeros = Array(8 - (front?.length ?? 0) - (back?.length ?? 0)).fill('0')
  const groups = after === undefined ? (front ?? []) : [...(front ?? []), ...zeros, ...(back ?? [])]
  return `${groups.slice(0, 4).join(':')}::/64`
}

const bytesOf = (word: string) => [Number.parseInt(word, 16) >> 8, Number.parseInt(word, 16) & 0xff]
