/**
 * The command line of a sandbox, and the description of an image, without starting one.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import { type BwrapCall, bwrapCall } from '../../server/sandbox/bwrap.ts'
import type { SandboxHost } from '../../server/sandbox/host.ts'
import { parseImage } from '../../server/sandbox/image.ts'
import { DEFAULT_LIMITS, type SandboxSpec } from '../../server/sandbox/spec.ts'

const root: SandboxHost = {
  level: 3,
  name: '',
  missing: [],
  bwrap: '/bwrap',
  privileged: true,
  ownUid: 0,
  seccomp: Buffer.from('filter'),
  cgroup: { version: 2, memory: '/cg', pids: '/cg' },
  rootLinks: [{ path: '/bin', target: 'usr/bin' }, { path: '/lib64' }],
  takeUid: () => ({ uid: 60_001, release: () => {} }),
}
const { cgroup: _, ...withoutGroup } = root
const user: SandboxHost = { ...withoutGroup, level: 2, privileged: false, ownUid: 1000 }
const spec: SandboxSpec = {
  command: ['/a/python', 'x.py'],
  cwd: '/out',
  env: { LANG: 'C.UTF-8' },
  mounts: [
    { source: '/host/out', target: '/out', writable: true },
    { source: '/root/.pyenv/v', target: '/root/.pyenv/v' },
    { source: '/fonts/f.json', target: '/home/notebook/.matplotlib/f.json' },
  ],
  limits: DEFAULT_LIMITS,
  uid: 60_001,
}

/** The options, which go through the last descriptor. */
const optionsOf = (call: BwrapCall) => (call.data.at(-1)?.toString() ?? '').split('\0').slice(0, -1)
const text = (call: BwrapCall) => optionsOf(call).join(' ')

test('every namespace is new and nothing outlives the service', () => {
  for (const host of [root, user]) {
    const options = optionsOf(bwrapCall(spec, host))
    for (const option of ['pid', 'net', 'ipc', 'uts']) assert.ok(options.includes(`--unshare-${option}`))
    for (const option of ['--die-with-parent', '--new-session', '--clearenv', '--remount-ro'])
      assert.ok(options.includes(option))
  }
})

test('root changes to the run’s identity without a user namespace, in which it would stay root', () => {
  const call = bwrapCall(spec, root)
  assert.ok(!text(call).includes('--unshare-user'))
  assert.match(text(call), /--cap-drop ALL/)
  assert.match(
    call.command.join(' '),
    /setpriv --reuid 60001 --regid 60001 --clear-groups --no-new-privs --bounding-set=-all/,
  )
})

test('an ordinary user makes a user namespace and keeps the own identity', () => {
  const { uid: _, ...own } = spec
  const call = bwrapCall(own, user)
  assert.match(text(call), /--unshare-user --uid 1000 --gid 1000/)
  assert.ok(!call.command.includes('setpriv'))
  // bwrap's unfiltered first process would be within the run's reach.
  assert.match(text(call), /--as-pid-1/)
  assert.ok(!text(bwrapCall(spec, root)).includes('--as-pid-1'))
})

test('memory is bounded per process only where there is no control group', () => {
  // And 256 MB that numeric libraries reserve when they are loaded.
  const limit = `--data=${DEFAULT_LIMITS.memoryBytes + 256 * 1024 ** 2}`
  assert.ok(!bwrapCall(spec, root).command.includes(limit))
  assert.ok(bwrapCall(spec, user).command.includes(limit))
})

test('parents of mounts are made open to the run, before the mount, and writable only within its own folders', () => {
  const options = text(bwrapCall(spec, root))
  assert.match(
    options,
    /--perms 0755 --dir \/root --perms 0755 --dir \/root\/\.pyenv --ro-bind \/root\/\.pyenv\/v \/root\/\.pyenv\/v/,
  )
  assert.match(options, /--perms 0777 --dir \/home\/notebook\/\.matplotlib --ro-bind \/fonts\/f\.json/)
  assert.match(options, /--bind \/host\/out \/out/)
})

test('the command line names no path of the machine but the program’s own', () => {
  assert.ok(!bwrapCall(spec, root).command.join(' ').includes('/host'))
})

test('the output folder is memory of its own size, and the current folder lies in the home folder’s', () => {
  const limits = { ...DEFAULT_LIMITS, outputBytes: 50, temporaryBytes: 70 }
  const options = text(
    bwrapCall({ ...spec, cwd: '/home/notebook/work', outputFolder: '/out', mounts: [], limits }, root),
  )
  assert.match(options, /--perms 0777 --size 50 --tmpfs \/out/)
  assert.match(options, /--size 70 --tmpfs \/home\/notebook .*--perms 0777 --dir \/home\/notebook\/work/)
  // A file that is handed out or a home that is not there would be a surprise for programs without a notebook.
  assert.doesNotMatch(text(bwrapCall({ ...spec, mounts: [] }, root)), /--tmpfs \/out/)
})

test('older systems have folders where others have links', () => {
  assert.match(text(bwrapCall(spec, root)), /--symlink usr\/bin \/bin --ro-bind \/lib64 \/lib64/)
})

test('the variables are those of the spec and no others', () => {
  const options = optionsOf(bwrapCall(spec, root))
  assert.equal(options.filter((option) => option === '--setenv').length, 1)
})

test('an image description is checked field by field', () => {
  const described = {
    version: 'v4',
    source: 'index',
    python: '/p',
    pythonVersion: '3.12',
    mounts: [],
    env: {},
    packages: {},
  }
  assert.equal(parseImage(described).python, '/p')
  for (const [field, bad] of [
    ['python', 'relative'],
    ['version', 4],
    ['mounts', [{ source: '/a' }]],
    ['env', { A: 1 }],
  ]) {
    assert.throws(
      () => parseImage({ ...described, [String(field)]: bad }),
      new RegExp(String(field === 'env' ? 'A' : field === 'mounts' ? 'target' : field)),
    )
  }
})
