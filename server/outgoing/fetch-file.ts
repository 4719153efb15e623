/** Fetches a URL into a file: guarded, bounded in time and decoded size, redirects followed by hand. */

import { createWriteStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { Transform, type TransformCallback } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib'
import { type Agent, type Dispatcher, request } from 'undici'
import { invalid } from '../ground/errors.ts'
import { badStatus, tellFailure, tooBig } from './bounds.ts'
import { checkTarget, createAgent, type Network, OPEN_NETWORK, PUBLIC_NETWORK } from './network.ts'
import { MAX_REDIRECTS, nextHop } from './redirect.ts'

export interface FetchOptions {
  /** Of the decoded content: a small answer that unfolds into a large one ends here too. */
  readonly maxBytes: number
  /** For everything: names, connections, redirects, and the last byte. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Whether private addresses may be reached (FIELDBOOK_ALLOW_PRIVATE_ADDRESSES). */
  readonly allowPrivate: boolean
  /** Sent along, but not to another origin than the first. */
  readonly headers?: Readonly<Record<string, string>>
  /** Instead of the real one. */
  readonly network?: Network
}

export interface Fetched {
  readonly sizeBytes: number
  /** As the source says, without its parameters. */
  readonly contentType: string | undefined
}

const ACCEPT_ENCODING = 'gzip, deflate, br'
const USER_AGENT = 'Fieldbook'

/**
 * Writes what a URL answers to GET into a new file; nothing of it is left when that fails.
 * @throws invalid for a URL that may not be fetched or answers with an error, tooLarge, unavailable
 */
export async function fetchToFile(text: string, file: string, options: FetchOptions): Promise<Fetched> {
  const network = options.network ?? (options.allowPrivate ? OPEN_NETWORK : PUBLIC_NETWORK)
  const timer = AbortSignal.timeout(options.timeoutMs)
  const signal = AbortSignal.any([options.signal, timer])
  let url = checkTarget(text, network)
  let headers = options.headers ?? {}
  for (let hop = 0; ; hop++) {
    const agent = createAgent(url, network)
    try {
      const answer = await ask(url, agent, headers, signal)
      const next = nextHop(url, answer.statusCode, answer.headers['location'], network)
      if (!next) return await keep(url, answer, file, options.maxBytes, signal)
      if (hop >= MAX_REDIRECTS) throw invalid(`${url.origin} redirects more than ${MAX_REDIRECTS} times`)
      if (next.origin !== url.origin) headers = {}
      url = next
    } catch (error) {
      await rm(file, { force: true })
      options.signal.throwIfAborted()
      throw tellFailure(error, url, timer, `${options.timeoutMs / 1000} s, the limit of FIELDBOOK_FETCH_TIME`)
    } finally {
      await agent.destroy()
    }
  }
}

async function ask(url: URL, agent: Agent, headers: Readonly<Record<string, string>>, signal: AbortSignal) {
  const answer = await request(url, {
    dispatcher: agent,
    method: 'GET',
    headers: { ...headers, 'accept-encoding': ACCEPT_ENCODING, 'user-agent': USER_AGENT },
    signal,
  })
  // A body that nobody reads is cut off with its agent, which it must not tell as an uncaught error.
  answer.body.on('error', () => {})
  return answer
}

async function keep(
  url: URL,
  { statusCode, headers, body }: Dispatcher.ResponseData,
  file: string,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Fetched> {
  if (statusCode < 200 || statusCode > 299) throw badStatus(url.origin + url.pathname, statusCode)
  const encodings = encodingsOf(url, headers['content-encoding'])
  if (Number(headers['content-length']) > maxBytes) throw tooBig(url, maxBytes)
  const counter = new Counter(url, maxBytes)
  const decoders = encodings.map((encoding) => DECODERS[encoding]?.() ?? counter)
  await pipeline([body, ...decoders, counter, createWriteStream(file, { flags: 'wx', mode: 0o600 })], { signal })
  const contentType = String(headers['content-type'] ?? '')
    .split(';')[0]
    ?.trim()
  return { sizeBytes: counter.bytes, contentType: contentType || undefined }
}

const DECODERS: Record<string, () => Transform> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
}

/** More than one layer is nothing a server does by itself. */
const MAX_ENCODINGS = 2

/** The encodings of an answer, the outermost first. */
function encodingsOf(url: URL, header: string | string[] | undefined): string[] {
  const names = String(header ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '' && name !== 'identity')
  if (names.length > MAX_ENCODINGS || !names.every((name) => Object.hasOwn(DECODERS, name)))
    throw invalid(`${url.origin} answered in an encoding that was not asked for`)
  return names.reverse()
}

/** Counts what passes and ends it at the limit. */
class Counter extends Transform {
  bytes = 0
  readonly #url: URL
  readonly #maxBytes: number

  constructor(url: URL, maxBytes: number) {
    super()
    this.#url = url
    this.#maxBytes = maxBytes
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    this.bytes += chunk.byteLength
    if (this.bytes > this.#maxBytes) done(tooBig(this.#url, this.#maxBytes))
    else done(null, chunk)
  }
}
