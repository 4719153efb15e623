/**
 * What the reference says about a part of the contract beyond its types. `contract/openapi/notes/x.ts` is about
 * `contract/x.ts`: the tag its operations are listed under, what its named schemas are with an example of each, and
 * what single operations answer besides the rule. The generator finds these files by itself.
 */

/** A named schema of the contract module. */
export interface SchemaNote {
  /** What it is, as a sentence; not needed where the schema has a description of its own. */
  readonly is?: string
  /** A value that looks like one from life. Requests, replies and lists without an example of their own show it. */
  readonly example?: unknown
}

/** An error that only some operations answer with. */
export interface ErrorNote {
  /** When it is answered, as a sentence. */
  readonly when: string
  /** The message as it is sent. */
  readonly message: string
  /** The word in `type` where the status has more than one. */
  readonly type?: string
  /** What else is sent with this status, by what it is about. */
  readonly also?: Readonly<Record<string, { readonly type: string; readonly message: string }>>
  /** That the answer may say when to try again. */
  readonly retryAfter?: true
}

/** What an operation answers besides JSON with its usual status. */
export interface AnswerNote {
  readonly description: string
  /** None for an answer without a body. */
  readonly mediaType?: string
  readonly example?: string
  /** Headers that only this answer has, by name, each with what it says. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface RouteNote {
  /** That the original does not have it. */
  readonly own?: true
  /** Further sentences of the description, in Markdown; the summary comes before them. */
  readonly more?: string
  /** Values for query parameters that are worth an example. */
  readonly query?: Readonly<Record<string, unknown>>
  readonly request?: unknown
  readonly reply?: unknown
  readonly errors?: Readonly<Record<number, ErrorNote>>
  /** In place of the JSON reply, by status. */
  readonly answers?: Readonly<Record<number, AnswerNote>>
}

export interface Notes {
  /** That the original has none of its routes. */
  readonly own?: true
  /** What the routes of the module are listed under. One that several modules name is described by one of them. */
  readonly tag?: { readonly name: string; readonly description?: string }
  readonly schemas?: Readonly<Record<string, SchemaNote>>
  /** By the name a route is exported with. */
  readonly routes?: Readonly<Record<string, RouteNote>>
}
