/**
 * Makes the cluster folder, once. It is built under another name and renamed when it is whole, so a half-made one is
 * never taken for a cluster: what an interrupted first start left is thrown away and made again.
 */

import { execFile } from 'node:child_process'
import { chown, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { syncFolder } from '../../ground/sync-folder.ts'
import type { Account } from './account.ts'
import type { Binaries } from './binaries.ts'
import { commandFor } from './command.ts'

/** The only role; it is reached through a socket folder that is closed to other users. */
export const SUPERUSER = 'fieldbook'

/** initdb takes 1 to 2 s here; a slow disk is given a hundred times that. */
const INITDB_LIMIT_MS = 180_000

const UNFINISHED = '.unfinished-'

export interface ClusterPlan {
  readonly clusterDir: string
  readonly binaries: Binaries
  readonly account: Account | undefined
  readonly bwrap: string | undefined
}

/** Leaves `clusterDir` holding a cluster of our major version; says so when it holds something else. */
export async function ensureCluster(plan: ClusterPlan): Promise<void> {
  const found = await readFile(join(plan.clusterDir, 'PG_VERSION'), 'utf8').catch(() => undefined)
  if (found === undefined) return makeCluster(plan)
  if (found.trim() === plan.binaries.major) return
  throw new Error(
    `${plan.clusterDir} was written by PostgreSQL ${found.trim()}, and the installed programs are version ` +
      `${plan.binaries.major}. Install the Fieldbook that wrote it, export, and import with this one.`,
  )
}

async function makeCluster(plan: ClusterPlan): Promise<void> {
  const present = await readdir(plan.clusterDir).catch(() => [])
  if (present.length > 0) {
    throw new Error(`${plan.clusterDir} is not empty and holds no PostgreSQL cluster; move its contents away.`)
  }
  await removeUnfinished(plan.clusterDir)
  // A new name each time: the initdb of a process that was killed may still be writing under the old one.
  const unfinished = await mkdtemp(`${plan.clusterDir}${UNFINISHED}`)
  try {
    if (plan.account) await chown(unfinished, plan.account.uid, plan.account.gid)
    await runInitdb(unfinished, plan)
    await rename(unfinished, plan.clusterDir) // takes the place of an empty folder, too
  } catch (error) {
    await removeUnfinished(plan.clusterDir)
    throw error
  }
  await syncFolder(dirname(plan.clusterDir))
}

/** What cannot be removed, because somebody still writes there, is left to the next start. */
async function removeUnfinished(clusterDir: string): Promise<void> {
  const parent = dirname(clusterDir)
  const left = (await readdir(parent)).filter((name) => name.startsWith(`${basename(clusterDir)}${UNFINISHED}`))
  await Promise.allSettled(left.map((name) => rm(join(parent, name), { recursive: true, force: true })))
}

/** Not interrupted by a signal: it is over in a second or two, and a killed initdb leaves children that write on. */
async function runInitdb(folder: string, { binaries, account, bwrap }: ClusterPlan): Promise<void> {
  const args = [
    `--pgdata=${folder}`,
    `--username=${SUPERUSER}`,
    '--auth=trust',
    '--encoding=UTF8',
    // PostgreSQL's own C.UTF-8 sorts by code point whatever the machine's libraries say, so no upgrade of the
    // system can reorder an index.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
  ]
  const command = await commandFor(binaries.initdb, args, {
    account,
    bwrap,
    programs: binaries.root,
    writable: [folder],
  })
  const options = { ...command.options, timeout: INITDB_LIMIT_MS }
  await new Promise<void>((resolve, reject) => {
    execFile(command.file, command.args, options, (cause, stdout, stderr) => {
      if (!cause) return resolve()
      const said = `${stdout}\n${stderr}`.trim().split('\n').slice(-8).join('\n')
      reject(new Error(`The database could not be created in ${dirname(folder)}. initdb said:\n${said}`, { cause }))
    })
  })
}
