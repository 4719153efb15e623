/**
 * The way everything of ours that is not the service itself reaches the service: typed from the contract, over HTTP.
 * It never imports the server.
 */

import type { TObject, TSchema } from 'typebox'
import { authenticateUser } from '../contract/auth.ts'
import type { LimitReached } from '../contract/limits.ts'
import type { BodyOf, ParamsOf, QueryOf, ReplyOf, Route } from '../contract/route.ts'

/** The service refused or failed; `status` is the HTTP status, `type` the word of the API's error body. */
export class ApiFailure extends Error {
  readonly status: number
  readonly type: string
  /** Which limit was reached, where it was one. */
  readonly limit: LimitReached | undefined
  readonly retryAfterSeconds: number | undefined

  constructor(status: number, type: string, message: string, more: Partial<Refused> = {}) {
    super(message)
    this.name = 'ApiFailure'
    this.status = status
    this.type = type
    this.limit = more.limit
    this.retryAfterSeconds = more.retryAfterSeconds
  }
}

type Refused = Pick<ApiFailure, 'limit' | 'retryAfterSeconds'>

export interface CallInput<T> {
  params?: ParamsOf<T>
  query?: QueryOf<T>
  body?: BodyOf<T>
  /** For multipart routes: the file's name and bytes. */
  file?: { name: string; bytes: Uint8Array<ArrayBuffer> }
  signal?: AbortSignal
}

export interface Client {
  readonly url: string
  readonly token: string | undefined
  call<T extends Route<TObject, TObject, TSchema, TSchema>>(route: T, input?: CallInput<T>): Promise<ReplyOf<T>>
}

const DEADLINE_MS = 60_000

/** A client for the service at `url`; without a token only routes that need none answer. */
export function createClient(url: string, token?: string): Client {
  return {
    url,
    token,
    async call(route, input = {}) {
      const response = await fetch(url + target(route, input), {
        method: route.method,
        headers: headersOf(token, input.body !== undefined),
        body: bodyOf(route, input),
        signal: AbortSignal.any([AbortSignal.timeout(DEADLINE_MS), ...(input.signal ? [input.signal] : [])]),
      })
      const text = await response.text()
      if (!response.ok) throw failureOf(response, text)
      return JSON.parse(text)
    },
  }
}

/** Signs in with an e-mail address and password and gives a client that carries the token. */
export async function signIn(url: string, email: string, password: string): Promise<Client> {
  const { token } = await createClient(url).call(authenticateUser, { body: { email, password } })
  return createClient(url, token)
}

function target(route: Route, input: { params?: unknown; query?: unknown }): string {
  const params = new Map(Object.entries(input.params ?? {}))
  const path = route.path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(params.get(name) ?? '')))
  // As the official clients ask: who has the routes needs not be told of them.
  const query = new URLSearchParams(route.entity === null ? {} : { _actions: 'false' })
  for (const [name, value] of Object.entries(input.query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined) query.append(name, String(one))
    }
  }
  return query.size > 0 ? `${path}?${query}` : path
}

function headersOf(token: string | undefined, hasBody: boolean): Record<string, string> {
  return {
    accept: 'application/json',
    ...(token ? { authorization: `Bearer ${token}` } : {}),
    ...(hasBody ? { 'content-type': 'application/json' } : {}),
  }
}

function bodyOf(
  route: Route,
  input: { body?: unknown; file?: { name: string; bytes: Uint8Array<ArrayBuffer> } },
): FormData | string | null {
  if (route.file && input.file) {
    const form = new FormData()
    form.append(route.file, new Blob([input.file.bytes]), input.file.name)
    return form
  }
  return input.body === undefined ? null : JSON.stringify(input.body)
}

function failureOf({ status, headers }: Response, text: string): ApiFailure {
  const retryAfter = headers.get('retry-after')
  const retryAfterSeconds = retryAfter === null ? undefined : Number(retryAfter)
  try {
    const { type, message, limit } = JSON.parse(text)
    return new ApiFailure(status, String(type), String(message), { limit, retryAfterSeconds })
  } catch {
    return new ApiFailure(status, 'Unreadable', text.slice(0, 500), { retryAfterSeconds })
  }
}
