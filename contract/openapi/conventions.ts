/** What the document says of the whole API: what it is, how one signs in, and the headers that answers share. */

import { takesKey } from '../repeats.ts'
import type { Route } from '../route.ts'
import { API_VERSION } from '../version.ts'
import type { SchemaObject } from './schemas.ts'

export const INFO = {
  title: 'Fieldbook API',
  version: API_VERSION,
  summary: 'Jupyter notebooks as batch jobs over the history of IoT devices.',
  license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  contact: { name: 'Whoever runs the installation that this document was read from' },
} as const

export const PREAMBLE = `Fieldbook executes Jupyter notebooks over what devices reported. It speaks the Notebooks API of Losant, so programs written with the official clients work once they are pointed at its address; operations that the original does not have say so.

The version of this document is that of the published API it follows. A client that was made for another one says so by \`Accept-Version\`, a range such as \`^1.20.0\`, and is refused where that does not fit.

## Tokens

Every request carries a token, unless its operation says that it needs none. There are four ways to it: \`POST /auth/user\`, with an address and a password, for a session of a user; \`POST /auth/device\`, with an access key, for a device; \`POST /applications/{applicationId}/tokens\`, for a program about one application; \`POST /me/tokens\`, for a program in a user's name.

A token comes as \`Authorization: Bearer …\` or \`Authorization: JWT …\`. What can't send headers puts it into the query, as \`?access_token=…\` or \`?jwt=…\`; addresses stay in logs and histories, so a header is better. Of several the first of \`access_token\`, \`jwt\` and the header counts. Each operation lists the scopes of which any one is enough.

## Answers

JSON in UTF-8. Things have an \`id\`; they are answered with \`_type\` and, unless the query says \`_links=false\` or \`_actions=false\`, with a link to themselves and what the token may do with them; each thing in a list has the link only. \`_embedded\` is taken as well and changes nothing. Programs should pass over properties that they do not know. Moments are ISO 8601 in UTC.

## Refusals

A refusal has a status of 400 or more and a body \`{"type", "message"}\`: the first is for programs, the second for people, and says which field was meant, what was wrong and what is allowed. Where a limit was reached, \`limit\` says which. What is absent and what belongs to others look the same: 404. Any request may be answered 408, 413, 414, 415 or 431: when it is late, when its body, address or head is too large, and when it brings a body of a kind that nothing reads. Requests are counted by address and by token; answers to those that are counted say in \`RateLimit-*\` headers how many are left. With 429 and 503 the header \`Retry-After\` says after how many seconds to try again. A fault of the service itself is a 500 with a reference, under which its log has the reason. Answers have an \`X-Request-Id\`, which the audit log names as well; only what is no HTTP request, is too large for one or comes too late to be one is refused without.`

export const SECURITY: Readonly<Record<string, SchemaObject>> = {
  token: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description:
      'A token from `POST /auth/user`, `POST /auth/device`, `POST /applications/{applicationId}/tokens` or `POST /me/tokens`; the word before it may be `JWT` instead of `Bearer`. Which scopes of it an operation accepts is in its `x-scopes`.',
  },
  tokenInQuery: {
    type: 'apiKey',
    in: 'query',
    name: 'access_token',
    description: 'The same token, for what can not send headers. `?jwt=` is another name for it.',
  },
}

/** What an operation that needs a token says of it: either way will do. */
export const EITHER_WAY: readonly SchemaObject[] = [{ token: [] }, { tokenInQuery: [] }]

/** Headers of the answers of a route, as references. */
export const answerHeaders = (route: Route): SchemaObject => ({
  'RateLimit-Limit': { $ref: '#/components/headers/RateLimitLimit' },
  'RateLimit-Remaining': { $ref: '#/components/headers/RateLimitRemaining' },
  'RateLimit-Reset': { $ref: '#/components/headers/RateLimitReset' },
  ...(takesKey(route) ? { 'Idempotency-Replayed': { $ref: '#/components/headers/IdempotencyReplayed' } } : {}),
})

const count = { type: 'integer', minimum: 0 }

export const HEADERS: Readonly<Record<string, SchemaObject>> = {
  IdempotencyReplayed: {
    description: 'That this is the answer that an earlier request with the same Idempotency-Key got.',
    schema: { type: 'string', const: 'true' },
    example: 'true',
  },
  RateLimitLimit: {
    description: 'How many requests are allowed, where they are counted.',
    schema: count,
    example: 600,
  },
  RateLimitRemaining: { description: 'How many of them are left.', schema: count, example: 587 },
  RateLimitReset: { description: 'In how many seconds all of them are there again.', schema: count, example: 42 },
  RetryAfter: {
    description: 'After how many seconds the request may be sent again.',
    schema: { type: 'integer', minimum: 0 },
    example: 2,
  },
}
