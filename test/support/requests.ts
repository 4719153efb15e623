/** Requests made from the contract: of any route, with given ids in its path and nothing wrong in the rest. */

import type { Route } from '../../contract/route.ts'
import { minimal } from './minimal.ts'
import { fill } from './routes.ts'
import type { TenancyDoor } from './tenancy.ts'

export interface Answer {
  readonly status: number
  readonly text: string
}

export type Parameters = Readonly<Record<string, string>>

/** What a route is asked with, where it is not the least there can be. */
export interface Asked {
  readonly query?: unknown
  readonly body?: unknown
}

/** Asks a route. */
export async function ask(
  { app }: Pick<TenancyDoor, 'app'>,
  token: string,
  route: Route,
  ids: Parameters,
  { query = minimal(route.query), body = route.body ? minimal(route.body.schema) : undefined }: Asked = {},
): Promise<Answer> {
  const search = new URLSearchParams(
    Object.entries(query as object).map(([name, value]): [string, string] => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  )
  const reply = await app.inject({
    method: route.method,
    url: `${fill(route.path, ids)}?${search}`,
    headers: { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { payload: body as object }),
  })
  return { status: reply.statusCode, text: reply.body }
}
