/** Which network an address belongs to, as far as guessing passwords goes. */

import ipaddr from 'ipaddr.js'

/** Bits of an IPv6 address that a provider gives to one customer. */
const CUSTOMER_BITS = 64

/**
 * One text for all addresses that one person has: an IPv4 address itself, also where it is written as IPv6, and the first
 * 64 bits of an IPv6 address. What is no address stands for itself.
 */
export function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address
  const parsed = ipaddr.process(address)
  if (parsed instanceof ipaddr.IPv4) return parsed.toString()
  return ipaddr.IPv6.networkAddressFromCIDR(`${withoutZone(parsed)}/${CUSTOMER_BITS}`).toString()
}

const withoutZone = (address: ipaddr.IPv6) => new ipaddr.IPv6(address.toByteArray()).toString()
