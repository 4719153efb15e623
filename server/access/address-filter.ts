/** Which addresses an access key may be used from. Pure. */

import { BlockList, isIP, SocketAddress } from 'node:net'

export interface AddressFilter {
  readonly type: 'all' | 'whitelist' | 'blacklist'
  /** Addresses, and networks with the length of their prefix. */
  readonly addresses: readonly string[]
}

/** Whether a text is an address of IPv4 or IPv6, or a network of one as `10.0.0.0/8`. */
export const isAddressOrNetwork = (text: string): boolean => parse(text) !== undefined

/** Whether what comes from an address is let through; from an address that is none, only where all are. */
export function admits({ type, addresses }: AddressFilter, address: string): boolean {
  if (type === 'all') return true
  const from = parse(address)
  if (!from) return false
  return listOf(addresses).check(from.address, from.family) === (type === 'whitelist')
}

interface Network {
  readonly address: string
  readonly family: 'ipv4' | 'ipv6'
  /** Bits that are the same for all of it. */
  readonly prefix: number
}

function parse(text: string): Network | undefined {
  // An address on one's own link names the interface after a "%".
  const [, written = '', bits] = /^([^/%]+)(?:%[^/]*)?(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const version = isIP(written)
  if (version === 0) return undefined
  const { address } = new SocketAddress({ address: written, family: version === 4 ? 'ipv4' : 'ipv6' })
  const [most, prefix] = [version === 4 ? 32 : 128, bits === undefined ? undefined : Number(bits)]
  if (prefix !== undefined && prefix > most) return undefined
  // A socket of both versions names callers of IPv4 as `::ffff:10.0.0.1`.
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1]
  if (!mapped) return { address, family: version === 4 ? 'ipv4' : 'ipv6', prefix: prefix ?? most }
  if (prefix !== undefined && prefix < 96) return { address, family: 'ipv6', prefix }
  return { address: mapped, family: 'ipv4', prefix: prefix === undefined ? 32 : prefix - 96 }
}

function listOf(addresses: readonly string[]): BlockList {
  const list = new BlockList()
  for (const text of addresses) {
    const network = parse(text)
    if (network) list.addSubnet(network.address, network.prefix, network.family)
  }
  return list
}
