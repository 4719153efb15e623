/**
 * Which scopes allow an operation, in the original's vocabulary (behaviour dossier §7.3): by whom it may be asked, and
 * whether it only reads. What is not said follows from its method and path, so that most routes say nothing.
 */

/** What an operation differs in from what its method and path say. */
export interface Grants {
  /** Whether tokens that only read may ask for it; by default a GET. */
  readonly reads?: boolean
  /** Whether bounded tokens may: all but the management of accounts and tokens. */
  readonly bounded?: boolean
  /**
   * Whether nothing less than a token for everything may, because more could be had with it than a smaller one allows: who
   * makes a user, or a member, can come back as one.
   */
  readonly whole?: boolean
  /** Whether the published command line tool's tokens may. */
  readonly cli?: boolean
  /** Whether tokens of devices may. */
  readonly device?: boolean
  /** The operation whose scope allows it, if it is not its own. */
  readonly action?: string
}

interface Asked {
  readonly operation: string
  readonly method: string
  readonly path: string
  readonly grants?: Grants
}

/** Every scope that allows an operation, those of whole kinds first. */
export function scopesOf({ operation, method, path, grants = {} }: Asked): readonly string[] {
  const { reads = method === 'GET', bounded = true, cli = false, device = false, action = operation } = grants
  const forms = (kind: string) => [kind, ...(bounded ? [`${kind}.bounded`] : []), ...(reads ? [`${kind}.read`] : [])]
  const { all, only } = OWNERS[ownerOf(path)]
  if (grants.whole) return all.flatMap((kind) => [`all.${kind}`, ...(reads ? [`all.${kind}.read`] : [])])
  return [
    ...all.flatMap((kind) => [...forms(`all.${kind}`), ...(cli && kind !== 'Organization' ? [`all.${kind}.cli`] : [])]),
    ...only.flatMap((kind) => forms(`only.${kind}`)),
    ...(device ? ['all.Device', ...(reads ? ['all.Device.read'] : [])] : []),
    `${action.split('.')[0]}.*`,
    action,
  ]
}

/** Whose things an operation is about: one application's, or what its user has beside or above them. */
const ownerOf = (path: string) =>
  path.startsWith('/applications/') ? 'application' : path === '/applications' ? 'applications' : 'user'

const OWNERS = {
  application: { all: ['Application', 'Organization', 'User'], only: [] },
  applications: { all: ['Organization', 'User'], only: ['Organization'] },
  user: { all: ['User'], only: ['User'] },
} as const

/** What somebody may be in an application that was shared with them; each may what those before may. */
export const ROLES = ['viewer', 'editor', 'admin'] as const
export type Role = (typeof ROLES)[number]
