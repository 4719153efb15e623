/** Where kernels come from: spares, forks and cold starts, each used once, and what happens when the fork server fails. */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createLog } from '../../server/ground/log.ts'
import { runCells } from '../../server/kernel/execute.ts'
import { createKernels, type Kernels } from '../../server/kernel/kernels.ts'
import { parseNotebook } from '../../server/kernel/notebook.ts'
import type { Seat, Start } from '../../server/kernel/seat.ts'
import { DEFAULT_LIMITS, type SandboxLimits } from '../../server/sandbox/spec.ts'
import { testHost, testImage } from '../support/image.ts'
import { makeFolder } from '../support/make.ts'
import { stdoutOf } from '../support/notebook-run.ts'
import { ipynb } from '../support/steps.ts'
import { until } from '../support/until.ts'

const LIMITS: SandboxLimits = { ...DEFAULT_LIMITS, outputBytes: 8 * 1024 ** 2, memoryBytes: 512 * 1024 ** 2 }

interface Room {
  readonly kernels: Kernels
  readonly root: string
  /** Runs one cell in a kernel of its own; what it printed, and how the kernel came to be. */
  readonly run: (code: string, limits?: SandboxLimits) => Promise<{ printed: string; start: Start; outcome: string }>
}

async function openRoom(t: TestContext, options: { spares: number; forking?: boolean }): Promise<Room> {
  const root = await makeFolder(t)
  const [image, host] = await Promise.all([testImage(), testHost()])
  const log = createLog('silent')
  const kernels = createKernels({ host, root, limits: LIMITS, log, forking: true, ...options })
  t.after(() => kernels[Symbol.asyncDispose]())
  kernels.warm(image)
  const run: Room['run'] = async (code, limits = LIMITS) => {
    await using seat = await kernels.take({ image, limits })
    return await runIn(seat, code)
  }
  return { kernels, root, run }
}

async function runIn(seat: Seat, code: string) {
  const kernel = await seat.kernel
  const notebook = parseNotebook(Buffer.from(ipynb(code)))
  const outcome = await runCells({ notebook, kernel })
  const printed = notebook.cells.map((cell) => (cell.cell_type === 'code' ? stdoutOf(cell) : '')).join('')
  return { printed, start: kernel.start, outcome: outcome.kind }
}

const warm = ({ kernels }: Room, spares: number) =>
  until(() => kernels.state['v4']?.ready === true && kernels.state['v4'].spares === spares)

test('until forking is proven, kernels start cold; then spares wait, and each is used once', async (t) => {
  const room = await openRoom(t, { spares: 1 })
  const first = await room.run('x = 1\nprint(x)')
  assert.deepEqual(first, { printed: '1\n', start: 'cold', outcome: 'finished' })
  await warm(room, 1)
  const second = await room.run('print("x" in dir())\nx = 2')
  assert.deepEqual(second, { printed: 'False\n', start: 'spare', outcome: 'finished' })
  await warm(room, 1)
  const third = await room.run('print("x" in dir())')
  assert.deepEqual(third, { printed: 'False\n', start: 'spare', outcome: 'finished' })
})

test('a burst takes the spares and forks the rest, all apart from each other', async (t) => {
  const room = await openRoom(t, { spares: 2 })
  await warm(room, 2)
  const code = 'import random, os, numpy\nprint(random.random(), numpy.random.rand(), os.urandom(4).hex())'
  const runs = await Promise.all(Array.from({ length: 6 }, () => room.run(code)))
  assert.equal(new Set(runs.map(({ printed }) => printed)).size, 6)
  const starts = runs.map(({ start }) => start)
  assert.deepEqual(starts.filter((start) => start === 'spare').length, 2)
  assert.ok(!starts.includes('cold'))
})

test('a spare is given the memory of its run', async (t) => {
  const room = await openRoom(t, { spares: 1 })
  await warm(room, 1)
  const less = { ...LIMITS, memoryBytes: 200 * 1024 ** 2 }
  const { outcome, start } = await room.run('b = bytearray(900 * 1024 ** 2)', less)
  const { cgroup } = await testHost()
  // Without control groups the limit is one of the process, which can only be set before it is shut in.
  const expected = cgroup ? { outcome: 'died', start: 'spare' } : { outcome: 'failed', start: 'forked' }
  assert.deepEqual({ outcome, start }, expected)
})

test('a run that wants a smaller OUTPUT_DIR than spares have gets a fork of its own', async (t) => {
  const room = await openRoom(t, { spares: 1 })
  await warm(room, 1)
  const less = { ...LIMITS, outputBytes: 1024 ** 2 }
  const code =
    'import os\ntry:\n    open(os.environ["OUTPUT_DIR"] + "/a", "wb").write(bytes(2 << 20))\nexcept OSError as e:\n    print(e.errno)'
  assert.deepEqual(await room.run(code, less), { printed: '28\n', start: 'forked', outcome: 'finished' })
})

test('what a notebook left in OUTPUT_DIR can be read when its kernel is gone, and is gone with its seat', async (t) => {
  const room = await openRoom(t, { spares: 1 })
  await warm(room, 1)
  const seat = await room.kernels.take({ image: await testImage(), limits: LIMITS })
  await runIn(seat, 'import os\nopen(os.environ["OUTPUT_DIR"] + "/a.txt", "w").write("kept")')
  const kernel = await seat.kernel
  await kernel[Symbol.asyncDispose]()
  assert.equal(await readFile(join(kernel.outputs, 'a.txt'), 'utf8'), 'kept')
  await seat[Symbol.asyncDispose]()
  await assert.rejects(readFile(join(kernel.outputs, 'a.txt'), 'utf8'))
})

test('a fork server that is killed takes its kernels along; runs start cold until another one is there', async (t) => {
  const room = await openRoom(t, { spares: 1 })
  await warm(room, 1)
  const seat = await room.kernels.take({ image: await testImage(), limits: LIMITS })
  const kernel = await seat.kernel
  const running = runIn(seat, 'import time\ntime.sleep(600)')
  const { pid } = room.kernels.state['v4'] ?? {}
  assert.ok(pid)
  process.kill(pid, 'SIGKILL')
  assert.equal((await running).outcome, 'died')
  assert.equal((await kernel.process.exited).reason, 'serverLost')
  await seat[Symbol.asyncDispose]()
  assert.equal((await room.run('print(1)')).start, 'cold')
  await warm(room, 1)
  assert.equal((await room.run('print(1)')).start, 'spare')
})

test('a spare that is killed is replaced', async (t) => {
  const room = await openRoom(t, { spares: 1 })
  await warm(room, 1)
  const seat = await room.kernels.take({ image: await testImage(), limits: LIMITS })
  await warm(room, 1)
  const kernel = await seat.kernel
  kernel.process.end('lost')
  await kernel.process.exited
  await seat[Symbol.asyncDispose]()
  assert.equal((await room.run('print(1)')).start, 'spare')
})

test('closing leaves no process and no folder', async (t) => {
  const room = await openRoom(t, { spares: 2 })
  await warm(room, 2)
  const { pid } = room.kernels.state['v4'] ?? {}
  assert.ok(pid)
  await room.kernels[Symbol.asyncDispose]()
  assert.deepEqual(await readdir(room.root), [])
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
})

test('a fork server that is stopped delays neither runs nor the end for long', async (t) => {
  const room = await openRoom(t, { spares: 0 })
  await until(() => room.kernels.state['v4']?.ready === true)
  const seat = await room.kernels.take({ image: await testImage(), limits: LIMITS })
  await seat.kernel
  const { pid } = room.kernels.state['v4'] ?? {}
  assert.ok(pid)
  process.kill(pid, 'SIGSTOP')
  const kernel = await seat.kernel
  await seat[Symbol.asyncDispose]()
  assert.equal((await kernel.process.exited).signal, 'SIGKILL')
  await room.kernels[Symbol.asyncDispose]()
})

test('closing in the middle of the self-test ends it', async (t) => {
  const room = await openRoom(t, { spares: 1 })
  await until(async () => (await readdir(room.root)).length > 1) // the folder of a kernel, beside the fork server's
  await room.kernels[Symbol.asyncDispose]()
  assert.deepEqual(await readdir(room.root), [])
})
