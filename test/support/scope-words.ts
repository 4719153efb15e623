/** Every word that a scope may have, and some that it may not: what the matrix of scopes asks each operation with. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const PUBLISHED = join(import.meta.dirname, '../../../shared/contract/operations.json')

/** What our own statement says, by the name of the operation. */
export const statedScopes: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries<string>(JSON.parse(readFileSync(join(import.meta.dirname, 'scopes.json'), 'utf8'))).map(
    ([name, words]) => [name, words.split(' ').filter(Boolean)],
  ),
)

/** The words of operations that were published and are not ours; none where their description is not beside us. */
const published: readonly string[] = existsSync(PUBLISHED)
  ? JSON.parse(readFileSync(PUBLISHED, 'utf8')).flatMap(({ scopes }: { scopes: string[] }) => scopes)
  : []

const KINDS = ['User', 'Organization', 'Application', 'Instance', 'Device']
const SUFFIXES = ['', '.bounded', '.read', '.cli']
const ofKinds = ['all', 'only'].flatMap((all) => KINDS.flatMap((kind) => SUFFIXES.map((end) => `${all}.${kind}${end}`)))

/** None of them means anything, though each looks as one that does. */
const UNKNOWN = [
  [
    '',
    '*',
    '*.*',
    'all',
    'all.',
    'all.*',
    'only.*',
    'all.Everything',
    'all.user',
    'ALL.USER',
    ' all.User',
    'all.User ',
  ],
  [
    'all.User,all.Application',
    'all.User.bounded.read',
    'all.User.*',
    'all.Application.write',
    'things.get',
    'notebook',
  ],
  ['notebook.', 'notebook.*.*', '*.get', 'Notebook.get', 'notebook.GET', 'constructor', '__proto__', 'toString'],
].flat()

/** Each once. */
export const SCOPE_WORDS: readonly string[] = [
  ...new Set([...ofKinds, ...[...statedScopes.values()].flat(), ...published, ...UNKNOWN]),
]
