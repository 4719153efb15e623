/**
 * What one operation of the API is: written once here, it gives the door its validation, the client its types and the
 * documents their text.
 */

import { type Static, type TObject, type TSchema, Type } from 'typebox'
import { type Grants, type Role, scopesOf } from './scopes.ts'

export interface RouteBody<B extends TSchema = TSchema> {
  readonly name: string
  readonly schema: B
  /** Whether a request may come without; it is checked as if it had brought `{}`. */
  readonly optional?: true
}

export interface Route<
  P extends TObject = TObject,
  Q extends TObject = TObject,
  B extends TSchema = TSchema,
  R extends TSchema = TSchema,
> {
  /** `resource.action`, which is also the name of a scope that allows it. */
  readonly operation: string
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Fastify's spelling, `:id` for a parameter. */
  readonly path: string
  readonly summary: string
  readonly params: P
  readonly query: Q
  /** The name the original uses for the body in its messages ("notebook.name is required"), and its schema. */
  readonly body: RouteBody<B> | null
  /** Name of the one file part of a multipart body. */
  readonly file: string | null
  readonly status: 200 | 201 | 202 | 204
  readonly reply: R
  /** `_type` of the answer and its items; null for plain results such as `{success: true}`. */
  readonly entity: string | null
  /** false where no token is needed. */
  readonly authenticated: boolean
  /** Those that allow it; one is enough. */
  readonly scopes: readonly string[]
  /** What a user has to be at least in the application it is about. */
  readonly role: Role
  /** Whether it is about the installation, and for users who own that. */
  readonly owner: boolean
}

const Nothing = Type.Object({})

interface RouteInput<P extends TObject, Q extends TObject, B extends TSchema, R extends TSchema> {
  operation: string
  method: Route['method']
  path: string
  summary: string
  params?: P
  query?: Q
  body?: RouteBody<B>
  file?: string
  status?: Route['status']
  reply: R
  entity?: string
  authenticated?: boolean
  grants?: Grants
  role?: Role
  owner?: true
}

/** A route with everything that was left out filled in. */
export function route<
  R extends TSchema,
  P extends TObject = typeof Nothing,
  Q extends TObject = typeof Nothing,
  B extends TSchema = typeof Nothing,
>(input: RouteInput<P, Q, B, R>): Route<P, Q, B, R> {
  return {
    operation: input.operation,
    method: input.method,
    path: input.path,
    summary: input.summary,
    // The defaults of P and Q are this very object type; TypeScript cannot see that a missing value means the default.
    params: input.params ?? (Nothing as unknown as P),
    query: input.query ?? (Nothing as unknown as Q),
    body: input.body ?? null,
    file: input.file ?? null,
    status: input.status ?? 200,
    reply: input.reply,
    entity: input.entity ?? null,
    authenticated: input.authenticated ?? true,
    scopes: input.authenticated === false ? [] : scopesOf(input),
    role: input.role ?? (input.method === 'GET' || input.grants?.reads ? 'viewer' : 'editor'),
    owner: input.owner ?? false,
  }
}

export type ParamsOf<T> = T extends Route<infer P, TObject, TSchema, TSchema> ? Static<P> : never
export type QueryOf<T> = T extends Route<TObject, infer Q, TSchema, TSchema> ? Static<Q> : never
export type BodyOf<T> = T extends Route<TObject, TObject, infer B, TSchema> ? Static<B> : never
export type ReplyOf<T> = T extends Route<TObject, TObject, TSchema, infer R> ? Static<R> : never
