/**
 * Connections that are only made to addresses that may be reached. The address is checked when the name has been
 * resolved, and the very same one is connected to, so a name that resolves differently the next time changes nothing; the
 * other end of the finished connection is checked once more.
 */

import { lookup } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { Agent, buildConnector } from 'undici'
import { AppError } from '../ground/errors.ts'
import { isOwnAddress, isPublicAddress } from './addresses.ts'
import { hostOf, parseTarget, privateTarget } from './target.ts'

/** How the world is reached; tests have a world of their own. */
export interface Network {
  /** All addresses of a name. */
  resolve(hostname: string): Promise<readonly { readonly address: string; readonly family: number }[]>
  /** Whether an address may be connected to. */
  permits(address: string): boolean
}

/** The world as the system's resolver shows it, with what is private closed off. */
export const PUBLIC_NETWORK: Network = {
  resolve: (hostname) => lookup(hostname, { all: true, verbatim: true }),
  permits: (address) => isPublicAddress(address) && !isOwnAddress(address),
}

/** The same without a guard, for installations that trust whoever uses them. */
export const OPEN_NETWORK: Network = { resolve: PUBLIC_NETWORK.resolve, permits: () => true }

const CONNECT_MS = 10_000

/** @throws invalid as parseTarget does, and for an address that is not permitted */
export function checkTarget(text: string, network: Network): URL {
  const url = parseTarget(text, network !== OPEN_NETWORK)
  const host = hostOf(url)
  if (isIP(host) && !network.permits(host)) throw privateTarget(url)
  return url
}

/** What sends requests to one URL; it makes no connection that the network does not permit. Destroy it afterwards. */
export function createAgent(url: URL, network: Network): Agent {
  const refused = () => privateTarget(url)
  const connect = buildConnector({ timeout: CONNECT_MS, lookup: createLookup(network, refused) })
  return new Agent({
    connections: 1,
    pipelining: 1,
    connect: (options, callback) =>
      connect(options, (error, socket) => {
        if (error) return callback(error, null)
        if (network.permits(socket.remoteAddress ?? '')) return callback(null, socket)
        socket.destroy()
        callback(refused(), null)
      }),
  })
}

/**
 * A lookup as sockets want it. A name with one address that is not permitted is refused whole: public and private ones
 * together are what an attack looks like.
 */
function createLookup(network: Network, refused: () => AppError): LookupFunction {
  return (hostname, options, callback) => {
    network.resolve(hostname).then(
      (addresses) => {
        const [first] = addresses
        if (!first) return callback(new Error(`${hostname} has no address`), '')
        if (!addresses.every(({ address }) => network.permits(address))) return callback(refused(), '')
        if (options.all) callback(null, [...addresses])
        else callback(null, first.address, first.family)
      },
      (error: Error) => callback(error, ''),
    )
  }
}

/** The refusal behind an error, which sockets and undici may have wrapped. */
export function refusalIn(error: unknown): AppError | undefined {
  if (error instanceof AppError) return error
  if (error instanceof AggregateError) return error.errors.map(refusalIn).find(Boolean)
  return error instanceof Error && error.cause ? refusalIn(error.cause) : undefined
}
