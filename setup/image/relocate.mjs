// Makes unpacked Debian packages work from another folder than `/`: links and the paths that Debian writes into
// Python files. Environment variables alone don't reach matplotlib's data, and bind mounts can't add to a read-only /usr.
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { SetupFailure } from '../failure.mjs'

// Nothing a notebook reads: 60 MB less to keep.
const UNREAD = ['doc', 'man', 'info', 'locale', 'lintian', 'bug', 'unicode']
const FIXED_PATH = /(['"])(\/(?:usr\/share|usr\/lib|etc)\/[^'"\n]*)\1/g

/** Rewrites the tree in place; it only works at this path afterwards. */
export function relocate(tree) {
  if (/['"\\\n:]/.test(tree)) {
    throw new SetupFailure(
      `The distribution's packages can't be used from ${tree}: a quote, backslash or colon in the path.`,
      'Clone the repository to a folder with a plainer name.',
    )
  }
  for (const name of UNREAD) rmSync(join(tree, 'usr', 'share', name), { recursive: true, force: true })
  walk(tree, (path, entry) => {
    if (entry.isSymbolicLink()) mendLink(path, tree)
  })
  const packages = join(tree, 'usr', 'lib', 'python3', 'dist-packages')
  if (!existsSync(packages)) return
  walk(packages, (path, entry) => {
    if (entry.isFile() && path.endsWith('.py') && !/\/tests?\//.test(path)) mendPaths(path, tree)
  })
}

/** An absolute link whose target came along is pointed at it. */
function mendLink(path, tree) {
  const target = readlinkSync(path)
  if (!target.startsWith('/') || existsSync(target)) return
  const inside = join(tree, target)
  if (!lstatSync(inside, { throwIfNoEntry: false })) return
  rmSync(path)
  symlinkSync(relative(dirname(path), inside), path)
}

/** A path in quotes that only exists in the tree is made to lead there. */
function mendPaths(path, tree) {
  const source = readFileSync(path, 'latin1')
  const mended = source.replace(FIXED_PATH, (text, quote, fixed) => {
    const inside = join(tree, fixed)
    return !existsSync(fixed) && existsSync(inside) ? `${quote}${Buffer.from(inside).toString('latin1')}${quote}` : text
  })
  if (mended !== source) writeFileSync(path, mended, 'latin1')
}

function walk(folder, visit) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) walk(path, visit)
    else visit(path, entry)
  }
}
