/**
 * Turns "run this PostgreSQL program" into a command for the account the server uses. When we are root and that account
 * cannot get to the files (a clone under /root, which nobody else may enter), the program runs in a mount namespace of
 * its own in which the folders on the way are open and hold nothing else.
 */

import { readlink, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Account, canReach } from './account.ts'

export interface Place {
  /** undefined: run as ourselves. */
  readonly account: Account | undefined
  /** The folder of the PostgreSQL programs, only read. */
  readonly programs: string
  /** Folders the program writes to; they exist and belong to the account. */
  readonly writable: readonly string[]
  /** Path of bubblewrap, for the namespace. */
  readonly bwrap: string | undefined
}

export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly options: { readonly cwd: '/'; readonly env: Record<string, string>; uid?: number; gid?: number }
}

/** A command that spawn can take; nothing of our own environment goes along, since PG* variables would change the server. */
export async function commandFor(program: string, args: readonly string[], place: Place): Promise<Command> {
  const options = { cwd: '/' as const, env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' } }
  const { account } = place
  if (!account) return { file: program, args, options }
  if (await canReach(account, [`${place.programs}/bin/postgres`, ...place.writable])) {
    return { file: program, args, options: { ...options, uid: account.uid, gid: account.gid } }
  }
  if (!place.bwrap) throw unreachable(place)
  const become = ['setpriv', `--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups']
  return { file: place.bwrap, args: [...(await namespace(place)), ...become, program, ...args], options }
}

function unreachable({ account, programs, writable }: Place): Error {
  return new Error(
    `The database server runs as user ${account?.uid}, who cannot get to ${[programs, ...writable].join(' or ')}: ` +
      'a folder on the way is closed to other users. Set FIELDBOOK_DATA_DIR to a folder they can enter (/var/lib/fieldbook), ' +
      'open the folders on the way (chmod o+x), install bubblewrap, or start Fieldbook as an ordinary user.',
  )
}

/**
 * The arguments of bubblewrap. Network and process numbers stay those of the machine, so that the socket and
 * postmaster.pid mean the same on both sides.
 */
async function namespace({ programs, writable }: Place): Promise<string[]> {
  const system = await Promise.all(['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/etc'].map(systemFolder))
  const ours = [programs, ...writable]
  // bubblewrap gives the folders it has to invent mode 0700, which is the very thing to get away from.
  const parents = [...new Set(ours.flatMap(foldersAbove))].filter(
    (folder) => !/^\/(usr|etc|dev|proc)(\/|$)/.test(folder),
  )
  return [
    ...system.flat(),
    ...['--proc', '/proc', '--dev-bind', '/dev', '/dev'],
    ...parents.flatMap((folder) => ['--perms', '0755', '--dir', folder]),
    ...['--ro-bind', programs, programs],
    ...writable.flatMap((folder) => ['--bind', folder, folder]),
    ...['--chdir', '/', '--'],
  ]
}

/** /bin and /lib are links into /usr on merged systems and real folders on others. */
async function systemFolder(path: string): Promise<string[]> {
  const link = await readlink(path).catch(() => undefined)
  if (link !== undefined) return ['--symlink', link, path]
  const isThere = await stat(path).catch(() => undefined)
  return isThere ? ['--ro-bind', path, path] : []
}

/** Outermost first, without the root: /a/b/c gives /a and /a/b. */
function foldersAbove(path: string): string[] {
  const parent = dirname(path)
  return parent === '/' ? [] : [...foldersAbove(parent), parent]
}
