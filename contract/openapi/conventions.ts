/** What the document says of the whole API: what it is, how one signs in, and the headers that answers share. */

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

\`POST /auth/user\` gives a token, which every other request carries as \`Authorization: Bearer …\`. Each operation lists the scopes of which any one is enough.

## Answers

JSON in UTF-8. Things have an \`id\`; they are answered with \`_type\` and, unless the query says \`_links=false\` or \`_actions=false\`, with a link to themselves and what the token may do with them. Programs should pass over properties that they do not know. Moments are ISO 8601 in UTC.

## Refusals

A refusal has a status of 400 or more and a body \`{"type", "message"}\`: the first is for programs, the second for people, and says which field was meant, what was wrong and what is allowed. Where a limit was reached, \`limit\` says which. What is absent and what belongs to others look the same: 404. With 429 and 503 the header \`Retry-After\` says after how many seconds to try again. A fault of the service itself is a 500 with a reference, under which its log has the reason.`

export const SECURITY: Readonly<Record<string, SchemaObject>> = {
  token: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'A token from `POST /auth/user`. Which scopes of it an operation accepts is in its `x-scopes`.',
  },
}

export const HEADERS: Readonly<Record<string, SchemaObject>> = {
  RetryAfter: {
    description: 'After how many seconds the request may be sent again.',
    schema: { type: 'integer', minimum: 0 },
    example: 2,
  },
}
