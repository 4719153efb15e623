/**
 * Every answer that a journey gets, held to our OpenAPI document, and where it lies beside this repository to what the
 * original publishes: those of `fetch`, and so of our own client, and those
 * of the official client. A fault is thrown where the answer was asked for, and told again when the service is disposed.
 */

import { createRequire } from 'node:module'
import { describeApi } from '../../contract/openapi/document.ts'
import { createFaultOf, type FaultOf } from './described.ts'
import { createPublishedFaultOf } from './published.ts'
import { noteSecret, noteSecretsOf } from './secrets.ts'

const watched = new Set<string>()
const faults: string[] = []
let faultOf: FaultOf | undefined
let publishedFaultOf: FaultOf | undefined

/** From now on all answers of the service at this address are checked. */
export async function checkAnswersOf(url: string): Promise<void> {
  if (!faultOf) {
    faultOf = createFaultOf((await describeApi()).document)
    publishedFaultOf = createPublishedFaultOf()
    watchFetch()
    watchOfficialClient()
  }
  watched.add(new URL(url).origin)
}

/** What was wrong so far, each once; a journey that caught the error where it was thrown fails by these. */
export const faultyAnswers = (): readonly string[] => faults

function check(method: string, url: string, status: number, contentType: string | null, body: unknown): void {
  const { origin, pathname, search } = new URL(url)
  if (!watched.has(origin)) return
  const answer = { method, path: pathname + search, status, contentType: contentType ?? '', body }
  const fault = faultOf?.(answer) ?? publishedFaultOf?.(answer)
  if (!fault) return
  faults.push(fault)
  // The error below may be swallowed, or hidden by another one when the service is disposed.
  console.error(fault)
  throw new Error(fault)
}

const isJson = (contentType: string | null) => /^application\/json\b/.test(contentType ?? '')

function watchFetch(): void {
  const original = globalThis.fetch
  globalThis.fetch = async (input, init) => {
    const response = await original(input, init)
    const method = (init?.method ?? (input instanceof Request ? input.method : 'GET')).toUpperCase()
    // What a redirect led to was not asked for by this path; a body is read here only where it is JSON, and so finite.
    if (response.redirected) return response
    const type = response.headers.get('content-type')
    const text = isJson(type) ? await response.clone().text() : undefined
    noteSecretsOf(init?.body)
    noteSecretsOf(text)
    noteSecret(/^bearer (\S+)$/i.exec(new Headers(init?.headers).get('authorization') ?? '')?.[1])
    check(method, response.url, response.status, type, text ? JSON.parse(text) : undefined)
    return response
  }
}

interface AxiosAnswer {
  readonly config: { readonly method?: string; readonly url?: string; readonly params?: Record<string, unknown> }
  readonly status: number
  readonly headers: Record<string, string | undefined>
  readonly data: unknown
}

/** The client's own copy of axios, so that nothing of the client has to be replaced. */
function watchOfficialClient(): void {
  const require = createRequire(createRequire(import.meta.url).resolve('losant-rest'))
  const checked = ({ config, status, headers, data }: AxiosAnswer) => {
    const type = headers['content-type'] ?? null
    const query = new URLSearchParams(
      Object.entries(config.params ?? {}).map(([name, value]): [string, string] => [name, String(value)]),
    )
    const url = `${config.url}?${query}`
    check((config.method ?? 'get').toUpperCase(), url, status, type, isJson(type) ? data : undefined)
  }
  require('axios').interceptors.response.use(
    (answer: AxiosAnswer) => {
      checked(answer)
      return answer
    },
    (error: { response?: AxiosAnswer }) => {
      if (error.response) checked(error.response)
      throw error
    },
  )
}
