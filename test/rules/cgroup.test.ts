/** Control groups without making one: where they are looked for, which files get which limit, and what is said to be missing. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { type CgroupPlace, cgroupSettings, GROUP_NAME, groupFolders } from '../../server/sandbox/cgroup.ts'
import { cgroupCandidates } from '../../server/sandbox/cgroup-place.ts'
import { tooOld } from '../../server/sandbox/landlock.ts'
import { missingOf } from '../../server/sandbox/probe.ts'
import { DEFAULT_LIMITS, graceMsOf } from '../../server/sandbox/spec.ts'

const first: CgroupPlace = { version: 1, memory: '/m', pids: '/p', cpu: '/c', cpuacct: '/c', freezer: '/f' }
const second: CgroupPlace = { version: 2, memory: '/g', pids: '/g', cpu: '/g' }

test('control groups are looked for next to the own one, then further up, in both versions', () => {
  const newer = cgroupCandidates('0::/system.slice/x.service\n', 'cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n')
  assert.deepEqual(
    newer.map((place) => place.memory),
    ['/sys/fs/cgroup/system.slice/x.service', '/sys/fs/cgroup/system.slice', '/sys/fs/cgroup'],
  )
  const older = cgroupCandidates(
    '8:pids:/\n4:memory:/a\n',
    'c /cg/memory cgroup rw,memory 0 0\nc /cg/pids cgroup rw,pids 0 0\n',
  )
  assert.deepEqual(older, [
    { version: 1, memory: '/cg/memory/a', pids: '/cg/pids' },
    { version: 1, memory: '/cg/memory', pids: '/cg/pids' },
  ])
  assert.deepEqual(cgroupCandidates('', ''), [])
})

test('a group has one folder on version 2, and one for each mounted controller on version 1', () => {
  assert.deepEqual(groupFolders(second, 'g'), ['/g/g'])
  assert.deepEqual(groupFolders(first, 'g'), ['/m/g', '/p/g', '/c/g', '/f/g'])
  assert.equal(GROUP_NAME.exec('fieldbook-123-0a1b2c')?.[1], '123')
  assert.equal(GROUP_NAME.exec('fieldbook-agent'), null)
})

test('each version of control groups has its own files and spelling', () => {
  const limits = { ...DEFAULT_LIMITS, memoryBytes: 1000, processes: 64, cores: 1.5 }
  const written = (place: CgroupPlace, cores = limits.cores) =>
    cgroupSettings(place, 'g', { ...limits, cores }).map(({ file, value }) => `${file} ${value}`)
  assert.deepEqual(written(second), [
    '/g/g/memory.max 1000',
    '/g/g/memory.swap.max 0',
    '/g/g/pids.max 64',
    '/g/g/cpu.max 150000 100000',
  ])
  assert.deepEqual(written(first), [
    '/m/g/memory.limit_in_bytes 1000',
    '/m/g/memory.memsw.limit_in_bytes 1000',
    '/m/g/memory.limit_in_bytes 1000',
    '/p/g/pids.max 64',
    '/c/g/cpu.cfs_quota_us 150000',
  ])
  assert.equal(written(second, 0).at(-1), '/g/g/cpu.max max 100000')
  assert.equal(written(first, 0).at(-1), '/c/g/cpu.cfs_quota_us -1')
})

test('only what a run can do without is optional: swap accounting, and a memory limit that is set again at once', () => {
  const must = cgroupSettings(first, 'g', DEFAULT_LIMITS).filter(({ optional }) => !optional)
  assert.deepEqual(
    must.map(({ file }) => file),
    ['/m/g/memory.limit_in_bytes', '/p/g/pids.max', '/c/g/cpu.cfs_quota_us'],
  )
})

test('what is missing on a machine is named, and nothing where all is there', () => {
  const complete = { privileged: true, seccomp: Buffer.from(''), cgroup: first }
  assert.deepEqual(missingOf(complete), [])
  const says = (host: Parameters<typeof missingOf>[0]) => missingOf(host).join('\n')
  assert.match(says({ ...complete, privileged: false }), /^no user id for each run/)
  assert.match(says({ privileged: true, cgroup: first }), /^no system call filter/)
  assert.match(says({ privileged: true, seccomp: Buffer.from('') }), /^no control group/)
  const plain = { version: 1, memory: '/m', pids: '/p' } as const
  assert.match(says({ ...complete, cgroup: plain }), /^no cpu controller.*\nno cpuacct/)
  assert.match(says({ ...complete, cgroup: { ...plain, version: 2 } }), /^no cpu controller[^\n]*$/)
})

test('Landlock stands in only where it keeps a run from ending the service', () => {
  assert.equal(tooOld(6, false), undefined)
  assert.equal(tooOld(1, true), undefined)
  assert.match(tooOld(5, false) ?? '', /needs 6/)
  assert.match(tooOld(-1, true) ?? '', /no Landlock/)
  assert.match(tooOld(Number.NaN, true) ?? '', /no Landlock/)
})

test('a run that took too long has five seconds to end; a canceled one has one, so that it is final within two', () => {
  assert.equal(graceMsOf(DEFAULT_LIMITS, 'timeout'), 5000)
  assert.equal(graceMsOf(DEFAULT_LIMITS, 'canceled'), 1000)
  assert.equal(graceMsOf({ ...DEFAULT_LIMITS, graceMs: 100 }, 'canceled'), 100)
})
