/** Posts JSON to somebody's address: guarded, bounded, no redirects; what is answered is thrown away unread. */

import { request } from 'undici'
import { badStatus, tellFailure } from './bounds.ts'
import { checkTarget, createAgent, type Network, OPEN_NETWORK, PUBLIC_NETWORK } from './network.ts'

export interface PostOptions {
  readonly headers?: Readonly<Record<string, string>>
  /** Until the answer has begun. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
  /** Whether private addresses may be reached (FIELDBOOK_ALLOW_PRIVATE_ADDRESSES). */
  readonly allowPrivate: boolean
  /** Instead of the real one. */
  readonly network?: Network
}

/** Resolves when the receiver has answered with a status of 200 to 299. @throws invalid, unavailable */
export async function postJson(text: string, body: string, options: PostOptions): Promise<void> {
  const network = options.network ?? (options.allowPrivate ? OPEN_NETWORK : PUBLIC_NETWORK)
  const timer = AbortSignal.timeout(options.timeoutMs)
  const url = checkTarget(text, network)
  const agent = createAgent(url, network)
  try {
    const answer = await request(url, {
      dispatcher: agent,
      method: 'POST',
      headers: { ...options.headers, 'content-type': 'application/json', 'user-agent': 'Fieldbook' },
      body,
      signal: AbortSignal.any([options.signal, timer]),
    })
    answer.body.on('error', () => {}).destroy()
    const { statusCode } = answer
    const isRedirect = statusCode >= 300 && statusCode <= 399
    if (statusCode < 200 || statusCode > 299)
      throw badStatus(url.origin, statusCode, isRedirect ? '; redirects are not followed' : '')
  } catch (error) {
    options.signal.throwIfAborted()
    throw tellFailure(error, url, timer, `${options.timeoutMs / 1000} s`)
  } finally {
    await agent.destroy()
  }
}
