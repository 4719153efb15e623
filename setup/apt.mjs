// Fetches packages of Debian or Ubuntu and what they depend on, and unpacks them into a folder of ours. Nothing is
// installed on the system and no right is needed: apt works in private directories and only reads the system's own.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from './command.mjs'
import { diskIsFull, fullDisk } from './failure.mjs'
import { stateFolder } from './places.mjs'

const folder = join(stateFolder, 'apt')
const archives = join(folder, 'archives')
const settings = join(folder, 'apt.conf')
const systemLists = '/var/lib/apt/lists'
const privateLists = join(folder, 'lists')
// Several steps may need apt in one set-up; cleanApt ends the freshness together with everything else.
const listsAreFresh = join(folder, 'lists-are-fresh')

// Compilers and headers that the libraries' packages pull in: 490 of 1,020 MB, and no notebook compiles.
const UNWANTED =
  /-dev$|^(gcc|g\+\+|cpp|binutils|manpages|libgcc|libstdc\+\+)-|^(gcc|g\+\+|cpp|gdb|binutils|manpages|unicode-data|linux-libc-dev|perl)$|^lib(asan|tsan|lsan|ubsan|gprofng|cc1)/

// Never from the tree over an installed one: a second C library breaks every program that loads it.
const KEEP_INSTALLED = /^(libc6|libc-bin|python3|python3-minimal|python3\.\d+|python3\.\d+-minimal|libpython3.*)$/

export function hasApt() {
  return ['/usr/bin/apt-get', '/usr/bin/dpkg-deb', '/var/lib/dpkg/status'].every((path) => existsSync(path))
}

/**
 * Unpacks `names` and their missing dependencies into the folder `into`, which is complete when it exists.
 * A name the distribution doesn't know is left out unless it is `required`; returns the packages unpacked.
 */
export async function unpackPackages(names, { required, into, say }) {
  for (const path of [join(privateLists, 'partial'), join(archives, 'partial')]) mkdirSync(path, { recursive: true })
  writeFileSync(settings, aptSettings())
  const packages = await fetchPackages(names, { required, say })
  const building = `${into}.new`
  rmSync(building, { recursive: true, force: true })
  mkdirSync(building, { recursive: true })
  const files = readdirSync(archives).filter((file) => file.endsWith('.deb'))
  for (const [index, file] of files.entries()) {
    say(`unpacking package ${index + 1} of ${files.length}`)
    const { ok, tail } = await runCommand('dpkg-deb', ['-x', join(archives, file), building], { env: plainEnv() })
    if (!ok) throw diskIsFull(tail) ? fullDisk() : new Error(`${file} could not be unpacked: ${tail}`)
  }
  rmSync(into, { recursive: true, force: true })
  renameSync(building, into)
  rmSync(archives, { recursive: true, force: true })
  return packages
}

/** Removes apt's working folder (up to 120 MB of lists and caches) when the set-up needs it no more. */
export function cleanApt() {
  rmSync(folder, { recursive: true, force: true })
}

/** With the system's package lists first; with fresh private ones when those are missing or out of date. */
async function fetchPackages(names, { required, say }) {
  let lastError
  for (const lists of [systemLists, privateLists]) {
    if (lists === privateLists) await updateLists(say)
    try {
      const packages = await resolveClosure(names, { required, lists })
      await download(packages, { lists, say })
      return packages
    } catch (error) {
      lastError = error
    }
  }
  throw lastError
}

async function updateLists(say) {
  if (existsSync(listsAreFresh)) return
  say('fetching the package lists of the distribution')
  const result = await apt(['update'], { lists: privateLists, silentMs: 30_000, limitMs: 180_000 })
  const has = readdirSync(privateLists).some((file) => file.includes('_Packages'))
  if (!has) throw new Error(lastWords(result, 'the package mirror could not be reached'))
  writeFileSync(listsAreFresh, '')
}

/** Names every package that `names` need and the system lacks. */
async function resolveClosure(names, { required, lists }) {
  const result = await apt(['install', '--simulate', '--no-install-recommends', ...names], { lists, limitMs: 60_000 })
  if (result.ok) {
    // "Inst name (1.2 …)" is new to the system, "Inst name [1.1] (1.2 …)" would be an upgrade.
    const closure = [...result.stdout.matchAll(/^Inst (\S+)( \[)?/gm)]
    const wanted = closure.filter(
      ([, name, upgrade]) => !UNWANTED.test(name) && !(upgrade && KEEP_INSTALLED.test(name)),
    )
    return wanted.map(([, name]) => name)
  }
  const unknown = new Set(
    [...result.tail.matchAll(/^E: (?:Unable to locate package|Package '?)\s?([a-z0-9.+-]+)/gm)].map(
      (match) => match[1],
    ),
  )
  const known = names.filter((name) => !unknown.has(name))
  if (known.length === names.length || required.some((name) => unknown.has(name))) {
    throw new Error(lastWords(result, 'the packages could not be resolved'))
  }
  return resolveClosure(known, { required, lists })
}

/** Downloads into our archives folder; apt checks every file against the signed lists. */
async function download(packages, { lists, say }) {
  rmSync(archives, { recursive: true, force: true })
  mkdirSync(join(archives, 'partial'), { recursive: true })
  if (packages.length === 0) return
  say(`downloading ${packages.length} packages of the distribution`)
  let got = 0
  const result = await apt(['download', ...packages], {
    lists,
    cwd: archives,
    silentMs: 45_000,
    onLine: (line) => {
      if (!line.startsWith('Get:')) return
      got += 1
      say(`downloading package ${got} of ${packages.length}`)
    },
  })
  if (!result.ok) throw new Error(lastWords(result, 'the package mirror could not be reached'))
}

function apt(args, { lists, ...options }) {
  const places = ['-o', `Dir::State::lists=${lists}`]
  return runCommand('apt-get', ['-c', settings, ...places, '-q', '-y', ...args], { env: plainEnv(), ...options })
}

/** Clears the system's hooks, which would clean up behind an installation that doesn't happen. */
function aptSettings() {
  return [
    '#clear APT::Update;',
    '#clear DPkg::Pre-Invoke;',
    '#clear DPkg::Post-Invoke;',
    '#clear DPkg::Pre-Install-Pkgs;',
    `Dir::State "${folder}";`,
    'Dir::State::status "/var/lib/dpkg/status";',
    `Dir::Cache "${folder}";`,
    `Dir::Log "${folder}";`,
    'Debug::NoLocking "true";',
    // Root would hand downloads to the user _apt, who can't enter a private folder.
    'APT::Sandbox::User "root";',
    'Acquire::Languages "none";',
    'Acquire::Retries "1";',
    'Acquire::http::Timeout "10";',
    'Acquire::https::Timeout "10";',
    '',
  ].join('\n')
}

function plainEnv() {
  return { ...process.env, LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' }
}

function lastWords({ tail, reason }, fallback) {
  if (reason === 'silent' || reason === 'limit') return 'the package mirror does not answer'
  const errors = tail.split('\n').filter((line) => /^E: /.test(line))
  return errors[0]?.slice(3) ?? fallback
}
