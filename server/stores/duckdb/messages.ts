/** What the service and the DuckDB process say to each other. */

export interface Settings {
  readonly memoryBytes: number
  readonly threads: number
  readonly temporaryFolder: string
  readonly temporaryBytes: number
}

export type ToChild =
  | { readonly kind: 'open'; readonly settings: Settings }
  /** One statement of a session; the session begins with its first one. */
  | { readonly kind: 'ask'; readonly id: number; readonly session: number; readonly sql: string }
  /** Interrupts what the session is doing. */
  | { readonly kind: 'interrupt'; readonly session: number }
  /** The session and its temporary tables are over. */
  | { readonly kind: 'leave'; readonly session: number }

export type FromChild =
  | { readonly kind: 'ready' }
  | { readonly kind: 'answer'; readonly id: number; readonly rows: unknown[] }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string }
