/** OUTPUT_DIR as a file system in memory that only the sandbox has: bounded, readable after the end, gone when it is closed. */

import assert from 'node:assert/strict'
import { constants } from 'node:fs'
import { open, readdir, readFile, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { collectFile } from '../../server/executions/outputs/collect.ts'
import { openSandbox } from '../../server/sandbox/process.ts'
import { DEFAULT_LIMITS, type SandboxLimits } from '../../server/sandbox/spec.ts'
import { testHost } from '../support/image.ts'

const MB = 1024 ** 2
const host = await testHost()

/** Runs a shell script in a sandbox with an output folder, which it may write to once we have opened it. */
async function openShell(script: string, limits: Partial<SandboxLimits> = {}) {
  const parts = new AsyncDisposableStack()
  const { uid, release } = host.takeUid()
  parts.defer(release)
  const spec = {
    // What it says on stderr first tells that its file systems are there.
    command: ['/bin/sh', '-c', `echo ready >&2; cd /out; while [ ! -e go ]; do :; done; ${script}`] as const,
    cwd: '/tmp',
    env: { PATH: '/usr/bin:/bin' },
    mounts: [],
    outputFolder: '/out',
    limits: { ...DEFAULT_LIMITS, outputBytes: 20 * MB, ...limits },
    ...(uid === undefined ? {} : { uid }),
  }
  const sandbox = parts.use(await openSandbox({ ...spec, command: ['/bin/sh', '-c', spec.command[2]] }, host))
  while (sandbox.stderrTail() === '') await new Promise((resolve) => setImmediate(resolve))
  const folder = await sandbox.openFolder('/out')
  const begin = async () => (await open(join(folder.path, 'go'), constants.O_CREAT | constants.O_WRONLY)).close()
  return { sandbox, folder, begin, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

test('what a run left in its folder can be read when nothing of the run is there any more', async () => {
  await using shell = await openShell('mkdir a; echo kept > a.txt; ln -s /etc/passwd link')
  await shell.begin()
  const ending = await shell.sandbox.exited
  assert.equal(ending.exitCode, 0, ending.stderrTail)
  assert.deepEqual((await readdir(shell.folder.path)).sort(), ['a', 'a.txt', 'go', 'link'])
  await using file = await collectFile(shell.folder.path, 'a.txt')
  assert.equal(await readFile(file.path, 'utf8'), 'kept\n')
  await assert.rejects(collectFile(shell.folder.path, 'link'), /symbolic link/)
  await shell.folder[Symbol.asyncDispose]()
})

test('the folder has the size it was given, whatever the limit of one file', async () => {
  await using shell = await openShell('head -c 50000000 /dev/zero > big; echo $? >&2; wc -c < big >&2')
  const { blocks, bsize } = await statfs(shell.folder.path)
  assert.equal(blocks * bsize, 20 * MB)
  await shell.begin()
  const { stderrTail } = await shell.sandbox.exited
  assert.match(stderrTail, /No space left on device\n1\n20971520\n$/)
  await shell.folder[Symbol.asyncDispose]()
})

test('closing the folder gives the memory back, and not before', async () => {
  await using shell = await openShell('head -c 300000000 /dev/zero > big', { outputBytes: 400 * MB })
  await shell.begin()
  await shell.sandbox.exited
  const held = await sharedMemory()
  await shell.folder[Symbol.asyncDispose]()
  const freed = held - (await sharedMemory())
  // Other tests run meanwhile, and have files in memory too.
  assert.ok(freed > 150 * MB, `${Math.round(freed / MB)} MB of 286 MB came back`)
})

test('files too many for the memory of a run end it, instead of filling that of the machine', async (t) => {
  if (!host.cgroup) return t.skip('no control group here: nothing counts what a file costs')
  const limits = { memoryBytes: 40 * MB, outputBytes: 30 * MB }
  await using shell = await openShell('i=0; while :; do i=$((i+1)); : > $i || exit 3; done', limits)
  await shell.begin()
  const ending = await shell.sandbox.exited
  const files = (await readdir(shell.folder.path)).length
  await shell.folder[Symbol.asyncDispose]()
  assert.ok(files < 100_000, `${files} files`)
  assert.ok(ending.reason === 'outOfMemory' || ending.exitCode === 3, JSON.stringify(ending))
})

test('a folder of a sandbox that has ended is nobody else’s', async () => {
  await using shell = await openShell('')
  await shell.folder[Symbol.asyncDispose]()
  shell.sandbox.end('canceled')
  await shell.sandbox.exited
  await assert.rejects(shell.sandbox.openFolder('/out'))
})

test('a run’s own link can’t turn the folder into another one', async () => {
  await using shell = await openShell('')
  await assert.rejects(shell.sandbox.openFolder('/var/tmp'), { code: /ENOTDIR|ELOOP/ })
  await shell.folder[Symbol.asyncDispose]()
})

/** Bytes of files in memory, on the whole machine. */
async function sharedMemory(): Promise<number> {
  const text = await readFile('/proc/meminfo', 'utf8')
  return Number(/^Shmem: +(\d+) kB$/m.exec(text)?.[1]) * 1024
}
