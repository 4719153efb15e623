/** Control groups as the kernel sees them: limits that can be changed, what was used, and an end that nothing escapes. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { openCgroup } from '../../server/sandbox/cgroup.ts'
import { findCgroupPlace } from '../../server/sandbox/cgroup-place.ts'
import { openSandbox } from '../../server/sandbox/process.ts'
import { DEFAULT_LIMITS, type SandboxLimits } from '../../server/sandbox/spec.ts'
import { testHost } from '../support/image.ts'
import { pidsWith } from '../support/pids.ts'

const MB = 1024 ** 2
const host = await testHost()
const place = host.cgroup
const skip = place ? false : 'this machine allows no control groups'

/** Runs a shell script in a sandbox until it ends. */
async function runShell(script: string, limits: Partial<SandboxLimits> = {}) {
  const { uid, release } = host.takeUid()
  const spec = {
    command: ['/bin/sh', '-c', script] as const,
    cwd: '/tmp',
    env: { PATH: '/usr/bin:/bin' },
    mounts: [],
    limits: { ...DEFAULT_LIMITS, ...limits },
    ...(uid === undefined ? {} : { uid }),
  }
  try {
    await using sandbox = await openSandbox({ ...spec, command: ['/bin/sh', '-c', script] }, host)
    return await sandbox.exited
  } finally {
    release()
  }
}

/** A process in a group of ours, without a sandbox around it; it has begun when this resolves. */
async function startIn(procs: readonly string[], script: string) {
  const enter = 'while [ "$1" != -- ]; do echo 0 > "$1"; shift; done; echo begun; '
  const child = spawn('/bin/sh', ['-c', enter + script, 'sh', ...procs, '--'], { stdio: ['ignore', 'pipe', 'ignore'] })
  await once(child.stdout, 'data')
  return child
}

test('what a run used is told with its end', { skip }, async () => {
  const { usage } = await runShell(
    'head -c 50000000 /dev/zero > /tmp/a; i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done',
  )
  assert.ok((usage.peakMemoryBytes ?? 0) > 50_000_000, JSON.stringify(usage))
  assert.ok((usage.peakMemoryBytes ?? 0) < 500 * MB, JSON.stringify(usage))
  assert.ok((usage.cpuSeconds ?? 0) > 0.01, JSON.stringify(usage))
})

test('a run takes no more of the processor than its cores, however many loops it starts', { skip }, async (t) => {
  if (!place?.cpu) return t.skip('this machine has no cpu controller')
  // The run is stopped by its own clock, which goes on while it is held back; without a limit it would take two cores or more.
  const loops = 'for n in 1 2 3 4; do (while :; do :; done) & done; sleep 1; kill $(jobs -p)'
  const { usage } = await runShell(loops, { cores: 0.25 })
  assert.ok((usage.cpuSeconds ?? 9) < 0.8, JSON.stringify(usage))
})

test('the limits of a group can be raised and lowered while it is used', { skip }, async () => {
  assert.ok(place)
  const limits = { ...DEFAULT_LIMITS, memoryBytes: 64 * MB, processes: 10 }
  const group = await openCgroup(place, limits)
  const read = async (...names: string[]) => {
    const file = group.folders.flatMap((folder) => names.map((name) => join(folder, name))).find(existsSync)
    return Number(await readFile(file ?? '', 'utf8'))
  }
  const memory = () => read('memory.limit_in_bytes', 'memory.max')
  const child = await startIn(group.procs, 'sleep 1000')
  const exited = once(child, 'exit')
  for (const megabytes of [64, 512, 128]) {
    await group.update({ ...limits, memoryBytes: megabytes * MB, processes: megabytes })
    assert.equal(await memory(), megabytes * MB)
    assert.equal(await read('pids.max'), megabytes)
  }
  await group.remove()
  await exited
  assert.deepEqual(group.folders.filter(existsSync), [])
})

test('one order ends everything in a group, also what forks faster than it can be counted', { skip }, async () => {
  assert.ok(place)
  const group = await openCgroup(place, { ...DEFAULT_LIMITS, processes: 40 })
  const child = await startIn(group.procs, 'bomb() { sleep 27182.818 & bomb & bomb & wait; }; bomb; sleep 1000')
  const exited = once(child, 'exit')
  while ((await pidsWith('27182.818')).length < 10) await new Promise((resolve) => setImmediate(resolve))
  await group.kill()
  await exited
  await group.remove()
  assert.deepEqual(await pidsWith('27182.818'), [])
  assert.deepEqual(group.folders.filter(existsSync), [])
})

test('groups of a service that was killed are removed when the next one starts, those of a living one are not', {
  skip,
}, async () => {
  assert.ok(place)
  const dead = spawn('/bin/true')
  await once(dead, 'exit')
  const [abandoned, held] = [dead.pid, process.pid].map((pid) => join(place.memory, `fieldbook-${pid}-0a0b0c`))
  for (const folder of [abandoned, held]) await mkdir(folder ?? '')
  await findCgroupPlace(DEFAULT_LIMITS)
  assert.deepEqual([existsSync(abandoned ?? ''), existsSync(held ?? '')], [false, true])
  await rmdir(held ?? '')
})
