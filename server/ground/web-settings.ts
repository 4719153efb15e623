/** Settings of the door: which proxies it believes, how many connections it takes, and how many requests of one caller. */

import { isIP } from 'node:net'
import { entry, integer } from './setting.ts'

/** Addresses, and networks with the bits of their prefix. */
function networks(value: string): readonly string[] {
  const all = value.split(/[\s,]+/).filter(Boolean)
  if (!all.every(isNetwork)) throw new Error('no address')
  return all
}

function isNetwork(text: string): boolean {
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const family = isIP(address)
  return family !== 0 && Number(bits ?? 0) <= (family === 4 ? 32 : 128)
}

export const WEB_SETTINGS = {
  trustedProxies: entry({
    name: 'FIELDBOOK_TRUSTED_PROXIES',
    default: '',
    says: 'Proxies whose X-Forwarded-For says who a request is from; empty believes nobody, and the address of the connection counts.',
    expects: 'addresses or networks as 10.0.0.0/8, with commas between them',
    parse: networks,
  }),
  connections: entry({
    name: 'FIELDBOOK_CONNECTIONS',
    default: '10000',
    says: 'Connections the door has open at the same time; others are closed at once.',
    expects: 'a number from 16 to 1000000',
    parse: integer(16, 1_000_000),
  }),
  addressConnections: entry({
    name: 'FIELDBOOK_ADDRESS_CONNECTIONS',
    default: '1000',
    says: 'Of these from one address (of IPv6, one /64 network); trusted proxies have no such limit.',
    expects: 'a number from 1 to 1000000',
    parse: integer(1, 1_000_000),
  }),
}
