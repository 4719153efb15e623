/**
 * Which addresses requests from this service may go to. What people put into an input or a callback must not reach the
 * networks that the service itself stands in: only what is plainly a public unicast address passes.
 */

import { isIPv4, isIPv6 } from 'node:net'
import { networkInterfaces } from 'node:os'
import ipaddr from 'ipaddr.js'

/** The range of every public IPv6 unicast address (RFC 4291, IANA): what lies outside of it is something else. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3')

/** Answered inside a cloud's own network although their number is a public one: Azure's platform, RFC 7534's relatives. */
const CLOUD_PLATFORMS = new Set(['168.63.129.16'])

/** Whether an address is a public one. Anything that can't be read is not; an IPv4 address in IPv6 clothes counts as IPv4. */
export function isPublicAddress(text: string): boolean {
  const address = readAddress(text)
  // Names of ranges are ipaddr.js's; 6to4, Teredo and NAT64, which wrap any IPv4 address, are ranges of their own there.
  if (address?.range() !== 'unicast') return false
  if (address instanceof ipaddr.IPv6) return address.match(GLOBAL_UNICAST)
  return !CLOUD_PLATFORMS.has(address.toString())
}

/** Whether an address is one of this machine, public or not: our own ports are behind it. */
export function isOwnAddress(text: string): boolean {
  const wanted = readAddress(text)?.toString()
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .some(({ address }) => address === text || (wanted !== undefined && readAddress(address)?.toString() === wanted))
}

/**
 * The address, with ::ffff:a.b.c.d as a.b.c.d; undefined for what is none, or has a zone. ipaddr.js takes "1.2.3" and
 * reads "::8.8.8.8" as if it were mapped, so text goes through Node first, which is strict.
 */
function readAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  if (isIPv4(text)) return ipaddr.IPv4.parse(text)
  const plain = isIPv6(text) ? URL.parse(`http://[${text}]`)?.hostname.slice(1, -1) : undefined
  return plain === undefined ? undefined : ipaddr.process(plain)
}
