/**
 * The command line of a sandbox, as a pure function: what bubblewrap is told, in which order, and why.
 * Arguments and small files go through file descriptors, so that /proc/1/cmdline inside shows none of the mounted folders but the image.
 */
import { dirname } from 'node:path'
import { HOME } from './environment.ts'
import type { SandboxHost } from './host.ts'
import type { Mount, SandboxSpec } from './spec.ts'

/**
 * Descriptors of the sandboxed start: bwrap writes its status to this one and reads everything else from those after it.
 * 3 and 4 come before it where they are the program's own; bwrap hands them on.
 */
export const statusFd = ({ channel }: Pick<SandboxSpec, 'channel'>): number => (channel ? 5 : 3)

export interface BwrapCall {
  readonly command: readonly [string, ...string[]]
  /** What to write into the descriptors after that of the status, each followed by its end. */
  readonly data: readonly Buffer[]
}

/**
 * What root keeps until `setpriv` has changed the identity, which takes it away for good: the change itself, and entering
 * a current folder that already belongs to that identity alone.
 */
const UNTIL_SETPRIV = ['CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP', 'CAP_DAC_READ_SEARCH']

/** Only what programs look up: no user of this machine, no resolver, no keys. */
export const ETC_FROM_HOST = ['alternatives', 'ld.so.cache', 'fonts', 'matplotlibrc', 'mime.types']

/** Builds the call; `host` must be one that `probeSandbox` found able to start it. */
export function bwrapCall(spec: SandboxSpec, host: SandboxHost): BwrapCall {
  const data: Buffer[] = []
  const fd = (content: Buffer | string) => {
    data.push(Buffer.from(content))
    return String(statusFd(spec) + data.length)
  }
  const uid = spec.uid ?? host.ownUid
  const options = [
    ...namespaces(host, uid, statusFd(spec)),
    ...(host.seccomp ? ['--seccomp', fd(host.seccomp)] : []),
    ...Object.entries(spec.env).flatMap(([name, value]) => ['--setenv', name, value]),
    ...systemFiles(host, spec),
    ...etcFiles(uid, fd),
    ...mountArguments(spec.mounts),
    ...ownFolders(spec),
    ...talkFolder(spec, fd),
    '--remount-ro',
    '/',
    '--chdir',
    spec.cwd,
  ]
  const argumentsFd = fd(options.map((option) => `${option}\0`).join(''))
  return {
    command: [host.bwrap, '--args', argumentsFd, '--', ...limited(spec, host), ...asRun(host, uid), ...spec.command],
    data,
  }
}

function namespaces(host: SandboxHost, uid: number, status: number): string[] {
  return [
    ...['--unshare-pid', '--unshare-net', '--unshare-ipc', '--unshare-uts', '--unshare-cgroup-try'],
    // Root makes no user namespace: in one, uid 60000 inside would still be root to the machine's files.
    ...(host.privileged
      ? ['--cap-drop', 'ALL', ...UNTIL_SETPRIV.flatMap((capability) => ['--cap-add', capability])]
      : ['--unshare-user', '--uid', String(uid), '--gid', String(uid), '--as-pid-1']),
    ...['--die-with-parent', '--new-session', '--clearenv', '--hostname', 'fieldbook'],
    ...['--json-status-fd', String(status)],
  ]
}

function systemFiles(host: SandboxHost, spec: SandboxSpec): string[] {
  const size = String(spec.limits.temporaryBytes)
  const temporary = (path: string, mode: string) => ['--perms', mode, '--size', size, '--tmpfs', path]
  return [
    ...['--ro-bind', '/usr', '/usr'],
    ...host.rootLinks.flatMap(({ path, target }) =>
      target === undefined ? ['--ro-bind', path, path] : ['--symlink', target, path],
    ),
    ...['--proc', '/proc', '--dev', '/dev'],
    ...temporary('/dev/shm', '1777'),
    // Its owner in a user namespace is the run itself, which could fill the machine's memory with files beside the devices.
    ...['--remount-ro', '/dev'],
    ...temporary('/tmp', '1777'),
    ...['--perms', '0755', '--dir', '/var', '--symlink', '/tmp', '/var/tmp'],
    ...['--perms', '0755', '--dir', dirname(HOME)],
    // Made by root, written by the sandbox's own identity, visible to nobody else.
    ...temporary(HOME, '0777'),
  ]
}

function etcFiles(uid: number, fd: (content: string) => string): string[] {
  const files = {
    passwd: `root:x:0:0:root:/:/usr/sbin/nologin\nnotebook:x:${uid}:${uid}:notebook:${HOME}:/bin/sh\n`,
    group: `root:x:0:\nnotebook:x:${uid}:\n`,
    hosts: '127.0.0.1 localhost\n::1 localhost\n',
    'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\n',
  }
  return [
    ...['--perms', '0755', '--dir', '/etc'],
    ...Object.entries(files).flatMap(([name, text]) => ['--perms', '0644', '--file', fd(text), `/etc/${name}`]),
    ...['--symlink', '/usr/share/zoneinfo/UTC', '/etc/localtime'],
    ...ETC_FROM_HOST.flatMap((name) => ['--ro-bind-try', `/etc/${name}`, `/etc/${name}`]),
  ]
}

/** Outer folders first. Each parent is made by name: bwrap's own implicit ones are 0700 and shut the run out. */
function mountArguments(mounts: readonly Mount[]): string[] {
  const made = new Set<string>()
  const ordered = [...mounts].sort((a, b) => depth(a.target) - depth(b.target))
  return ordered.flatMap(({ source, target, writable }) => [
    ...parentsOf(target).flatMap((parent) => {
      if (made.has(parent)) return []
      made.add(parent)
      return ['--perms', isOwn(parent) ? '0777' : '0755', '--dir', parent]
    }),
    ...[writable ? '--bind' : '--ro-bind', source, target],
  ])
}

/** bwrap knows no limit on the number of files: with a control group each one is paid for in memory. */
function ownFolders({ outputFolder, cwd, limits }: SandboxSpec): string[] {
  return [
    ...(outputFolder === undefined
      ? []
      : ['--perms', '0777', '--size', String(limits.outputBytes), '--tmpfs', outputFolder]),
    // In the home folder's memory, and bounded with it.
    ...(cwd.startsWith(`${HOME}/`) ? ['--perms', '0777', '--dir', cwd] : []),
  ]
}

/** Sockets and a connection file; a folder of the machine would be a place to fill its disk from. */
const TALK_BYTES = 1024 ** 2

function talkFolder({ talkFolder: folder }: SandboxSpec, fd: (content: string) => string): string[] {
  if (!folder) return []
  return [
    ...['--perms', '0777', '--size', String(TALK_BYTES), '--tmpfs', folder.path],
    ...Object.entries(folder.files).flatMap(([name, text]) => [
      ...['--perms', '0666', '--file', fd(text), `${folder.path}/${name}`],
    ]),
  ]
}

const depth = (path: string) => path.split('/').length

/** /a/b/c → /a, /a/b; none below the system's own trees, which are there and can't be changed. */
function parentsOf(target: string): string[] {
  if (/^\/(usr|proc|dev|bin|sbin|lib[^/]*)\//.test(target)) return []
  const parts = target.split('/').slice(1, -1)
  return parts
    .map((_, index) => `/${parts.slice(0, index + 1).join('/')}`)
    .filter((parent) => !['/etc', '/tmp', '/var', HOME, dirname(HOME)].includes(parent))
}

const isOwn = (path: string) => path.startsWith(`${HOME}/`) || path.startsWith('/tmp/')

/**
 * What numeric libraries take for themselves when they are loaded, and hardly use; counted against the limit, OpenBLAS
 * (Debian's, 0.3.21) waits for ever for the buffers it can't get, with 300 MB and a plot for example.
 */
const RESERVED_BYTES = 256 * 1024 ** 2

/** Set inside, because an ordinary user's process count is the sandbox's own only in its user namespace. */
function limited({ limits }: SandboxSpec, host: SandboxHost): string[] {
  return [
    'prlimit',
    '--core=0',
    `--nofile=${limits.openFiles}`,
    `--nproc=${limits.processes}`,
    `--fsize=${limits.fileBytes}`,
    // Without a control group only each process's own memory can be bounded, not their sum.
    ...(host.cgroup ? [] : [`--data=${limits.memoryBytes + RESERVED_BYTES}`]),
  ]
}

/**
 * bwrap's own first process has no filter. As root it stays out of the run's reach; as an ordinary user it has the run's
 * identity, which could write to its memory, so there a shell behind the filter is the first process and reaps orphans.
 * (With root it can't be: setpriv's change of identity clears the signal that ends it when the service dies.)
 */
function asRun(host: SandboxHost, uid: number): string[] {
  if (!host.privileged) return ['sh', '-c', '"$@"; exit $?', 'sh']
  return [
    ...['setpriv', '--reuid', String(uid), '--regid', String(uid), '--clear-groups', '--no-new-privs'],
    ...['--bounding-set=-all', '--inh-caps=-all', '--ambient-caps=-all'],
  ]
}
