// Step "sandbox": finds bubblewrap, or unpacks the distribution's package without installing it, and tries it out.
// A machine that can't sandbox gets a warning and no failure: the service then refuses to run notebooks.
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { hasApt, unpackPackages } from './apt.mjs'
import { runCommand } from './command.mjs'
import { stateFolder, writeWhole } from './places.mjs'

const record = join(stateFolder, 'tools.json')
const unpacked = join(stateFolder, 'bubblewrap')

export const sandboxStep = {
  name: 'sandbox',
  isDone() {
    const known = readRecord()
    return known !== undefined && known.problem === undefined && existsSync(known.bwrap)
  },
  async run(say) {
    say('looking for bubblewrap')
    const found = systemTool() ?? unpackedTool() ?? (await fetchTool(say))
    if (!found.bwrap) return { warning: `${found.problem}\n  Until then the service refuses to run notebooks.` }
    const problem = await tryOut(found.bwrap)
    writeWhole(record, `${JSON.stringify({ ...found, ...(problem ? { problem } : {}) }, null, 2)}\n`)
    if (problem) return { warning: `${problem}\n  Until then the service refuses to run notebooks.` }
    return { summary: `bubblewrap of ${found.source === 'system' ? 'the system' : 'the distribution'}, it works` }
  },
}

function systemTool() {
  const folders = [...(process.env.PATH ?? '').split(delimiter).filter((folder) => folder.startsWith('/')), '/usr/bin']
  const path = folders.map((folder) => join(folder, 'bwrap')).find(canRun)
  return path ? { bwrap: path, source: 'system' } : undefined
}

function unpackedTool() {
  const path = join(unpacked, 'usr', 'bin', 'bwrap')
  return canRun(path) ? { bwrap: path, source: 'debian' } : undefined
}

async function fetchTool(say) {
  const byHand = 'Install bubblewrap with the package manager of this machine (for example: apt install bubblewrap).'
  if (!hasApt()) return { problem: `bubblewrap is missing and this is no Debian or Ubuntu. ${byHand}` }
  try {
    await unpackPackages(['bubblewrap'], { required: ['bubblewrap'], into: unpacked, say })
  } catch (error) {
    return { problem: `bubblewrap is missing and could not be fetched (${error.message}). ${byHand}` }
  }
  return unpackedTool() ?? { problem: `The package bubblewrap holds no bwrap for this machine. ${byHand}` }
}

/** Starts /bin/true in the namespaces a notebook would get; returns what to do about it when that fails. */
async function tryOut(bwrap) {
  const isRoot = process.getuid?.() === 0
  const namespaces = ['--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts']
  const user = isRoot ? [] : ['--unshare-user']
  const { ok, tail } = await runCommand(
    bwrap,
    [
      ...user,
      ...namespaces,
      '--ro-bind',
      '/',
      '/',
      '--proc',
      '/proc',
      '--dev',
      '/dev',
      '--die-with-parent',
      '/bin/true',
    ],
    { limitMs: 10_000 },
  )
  if (ok) return undefined
  return `bubblewrap can't start here: ${tail.split('\n').at(-1).replace(/\.+$/, '')}. ${adviceFor(isRoot)}`
}

function adviceFor(isRoot) {
  if (isRoot)
    return 'Root lacks the right to make namespaces, as in most containers: start the container with --privileged or --cap-add SYS_ADMIN and an unconfined seccomp and AppArmor profile.'
  if (kernelSetting('kernel/apparmor_restrict_unprivileged_userns') === '1') {
    return 'Ubuntu keeps ordinary users from making namespaces: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0 (or install the package bubblewrap, whose AppArmor profile allows it).'
  }
  if (kernelSetting('user/max_user_namespaces') === '0') {
    return 'This machine allows no user namespaces: sudo sysctl user.max_user_namespaces=15000.'
  }
  if (kernelSetting('kernel/unprivileged_userns_clone') === '0') {
    return 'This machine keeps ordinary users from making namespaces: sudo sysctl kernel.unprivileged_userns_clone=1.'
  }
  return 'Ask whoever runs this machine to allow user namespaces, or run the service as root.'
}

function kernelSetting(name) {
  try {
    return readFileSync(`/proc/sys/${name}`, 'utf8').trim()
  } catch {
    return undefined
  }
}

function readRecord() {
  try {
    return JSON.parse(readFileSync(record, 'utf8'))
  } catch {
    return undefined
  }
}

function canRun(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
