/** Settings of the door: which proxies it believes, how many connections it takes, and how many requests of one caller. */

import { isIP } from 'node:net'
import { A_RATE, entry, integer, oneOf, rate } from './setting.ts'

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
  streams: entry({
    name: 'FIELDBOOK_STREAMS',
    default: '100',
    says: 'Streams of events that one caller has open at the same time, of each service.',
    expects: 'a number from 1 to 1000000',
    parse: integer(1, 1_000_000),
  }),
  callerRate: entry({
    name: 'FIELDBOOK_CALLER_RATE',
    default: '10000/10s',
    says: 'Requests of one caller: a token made for programs, a device, or a user who signed in. off counts none.',
    expects: A_RATE,
    parse: rate,
  }),
  addressRate: entry({
    name: 'FIELDBOOK_ADDRESS_RATE',
    default: '20000/10s',
    says: 'Requests from one address (of IPv6, one /64 network), whoever they are of.',
    expects: A_RATE,
    parse: rate,
  }),
  linkRate: entry({
    name: 'FIELDBOOK_LINK_RATE',
    default: '5000/10s',
    says: 'Requests from one address for files and signed links, and by themselves for /healthz.',
    expects: A_RATE,
    parse: rate,
  }),
  signInRate: entry({
    name: 'FIELDBOOK_SIGN_IN_RATE',
    default: '50/5m',
    says: 'Sign-ins of users from one address with a wrong password or code.',
    expects: A_RATE,
    parse: rate,
  }),
  rateStore: entry({
    name: 'FIELDBOOK_RATE_STORE',
    default: 'memory',
    says: 'Where requests are counted: memory is each service by itself, postgres all services of one database together.',
    expects: 'memory or postgres',
    parse: oneOf('memory', 'postgres'),
  }),
}
