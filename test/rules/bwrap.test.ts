/**
 * The command line, filter and control group settings of a sandbox, without starting one.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import { type BwrapCall, bwrapCall } from '../../server/sandbox/bwrap.ts'
import { cgroupCandidates, cgroupSettings } from '../../server/sandbox/cgroup.ts'
import type { SandboxHost } from '../../server/sandbox/host.ts'
import { parseImage } from '../../server/sandbox/image.ts'
import { seccompProgram } from '../../server/sandbox/seccomp.ts'
import { DEFAULT_LIMITS, type SandboxSpec } from '../../server/sandbox/spec.ts'

const root: SandboxHost = {
  level: 3,
  name: '',
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
  const limit = `--data=${DEFAULT_LIMITS.memoryBytes}`
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

test('older systems have folders where others have links', () => {
  assert.match(text(bwrapCall(spec, root)), /--symlink usr\/bin \/bin --ro-bind \/lib64 \/lib64/)
})

test('the variables are those of the spec and no others', () => {
  const options = optionsOf(bwrapCall(spec, root))
  assert.equal(options.filter((option) => option === '--setenv').length, 1)
})

test('the filter is whole instructions, ends by allowing, and jumps nowhere outside', () => {
  for (const architecture of ['x64', 'arm64'] as const) {
    const program = seccompProgram(architecture)
    assert.equal(program.length % 8, 0)
    const length = program.length / 8
    assert.equal(program.readUInt32LE((length - 1) * 8 + 4), 0x7fff0000)
    for (let index = 0; index < length; index++) {
      const isJump = (program.readUInt16LE(index * 8) & 7) === 5
      if (!isJump) continue
      const furthest = Math.max(program.readUInt8(index * 8 + 2), program.readUInt8(index * 8 + 3))
      assert.ok(index + 1 + furthest < length, `instruction ${index} of ${architecture}`)
    }
  }
})

test('control groups are looked for next to the own one, then further up, in both versions', () => {
  const second = cgroupCandidates('0::/system.slice/x.service\n', 'cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n')
  assert.deepEqual(
    second.map((place) => place.memory),
    ['/sys/fs/cgroup/system.slice/x.service', '/sys/fs/cgroup/system.slice', '/sys/fs/cgroup'],
  )
  const first = cgroupCandidates(
    '8:pids:/\n4:memory:/a\n',
    'c /cg/memory cgroup rw,memory 0 0\nc /cg/pids cgroup rw,pids 0 0\n',
  )
  assert.deepEqual(first, [
    { version: 1, memory: '/cg/memory/a', pids: '/cg/pids' },
    { version: 1, memory: '/cg/memory', pids: '/cg/pids' },
  ])
  assert.deepEqual(cgroupCandidates('', ''), [])
})

test('each version of control groups has its own files', () => {
  const files = (version: 1 | 2) =>
    cgroupSettings({ version, memory: '/m', pids: '/p' }, 'g', DEFAULT_LIMITS).map((setting) => setting.file)
  assert.deepEqual(files(2), ['/m/g/memory.max', '/m/g/memory.swap.max', '/p/g/pids.max'])
  assert.deepEqual(files(1), ['/m/g/memory.limit_in_bytes', '/m/g/memory.memsw.limit_in_bytes', '/p/g/pids.max'])
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
