/**
 * How a forked kernel without ZeroMQ is interrupted and how it ends: nothing a user was promised is lost, and no interrupt
 * hits anything but a cell's own code.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Message } from '../../server/kernel/wire.ts'
import { openFramedFork } from '../support/framed-kernel.ts'
import { runFramed, shownBy } from '../support/framed-run.ts'
import { testImage } from '../support/image.ts'
import { until } from '../support/until.ts'

const fork = await openFramedFork(await testImage(), ['json', 'multiprocessing.util', 'logging'])
after(() => fork[Symbol.asyncDispose]())

const ASKED = { silent: false, store_history: true, user_expressions: {}, allow_stdin: false, stop_on_error: false }

const LOOPS: Readonly<Record<string, string>> = {
  'a loop': 'while True: pass',
  'a sleep': 'import time; time.sleep(1000)',
  'an await': 'import asyncio; await asyncio.sleep(1000)',
  'a child process': 'import subprocess; subprocess.run(["sleep", "1000"])',
  'prints without end': 'while True: print("x" * 1000)',
}

for (const [what, loop] of Object.entries(LOOPS)) {
  test(`an interrupt ends ${what}, and the next cell runs`, async () => {
    await using kernel = await fork.kernel()
    const { cells, printed } = await runFramed(kernel, [`print("turning", flush=True)\n${loop}`, 'print("alive")'], {
      onStream: (_, text) => {
        if (text.startsWith('turning')) kernel.interrupt()
      },
    })
    assert.match(shownBy(cells[0]).at(-1) ?? '', /^(KeyboardInterrupt|CancelledError): /)
    assert.equal(printed[1], 'alive\n')
  })
}

test('an interrupt between cells changes nothing', async () => {
  await using kernel = await fork.kernel()
  await runFramed(kernel, ['x = 1'])
  kernel.interrupt()
  const { cells } = await runFramed(kernel, ['x', 'import time; time.sleep(0.01); "whole"'])
  assert.deepEqual(cells.map(shownBy), [['1'], ["'whole'"]])
})

test('a burst of interrupts over many cells ends cells only: each is answered, and no message is cut', async () => {
  await using kernel = await fork.kernel()
  const burst = setInterval(() => kernel.interrupt(), 1)
  const sources = Array.from({ length: 150 }, (_, n) =>
    n % 3 === 0 ? 'import asyncio; await asyncio.sleep(0)' : `print("x" * 200_000)\n${n}`,
  )
  const { outcome, cells } = await runFramed(kernel, sources).finally(() => clearInterval(burst))
  assert.deepEqual(outcome, { kind: 'finished' })
  assert.equal(cells.length, 150)
  assert.deepEqual((await runFramed(kernel, ['"alive"'])).cells.map(shownBy), [["'alive'"]])
})

test('interrupts while nobody reads what it prints cut no message in two', async () => {
  await using kernel = await fork.kernel()
  const texts: string[] = []
  kernel.session.onOutput(({ content }) => texts.push(String(content['text'] ?? '')))
  kernel.pause()
  const asked = kernel.session.request('execute_request', {
    ...ASKED,
    code: 'while True: print("x" * 60_000, flush=True)',
  })
  for (let times = 0; times < 5; times++) {
    // Where in the system it waits: while it has nothing to do, for events.
    await until(async () => /sock|unix/.test(await readFile(`/proc/${kernel.pid}/wchan`, 'utf8')))
    kernel.interrupt()
  }
  kernel.resume()
  assert.equal((await asked.done).content['ename'], 'KeyboardInterrupt')
  assert.match(texts.join(''), /^(x{60000}\n)+$/)
  assert.deepEqual((await runFramed(kernel, ['"alive"'])).cells.map(shownBy), [["'alive'"]])
})

test('a task that raises KeyboardInterrupt does not end the kernel', async () => {
  await using kernel = await fork.kernel()
  const { cells } = await runFramed(kernel, [
    'import asyncio\nasync def stop(): raise KeyboardInterrupt\ntask = asyncio.create_task(stop())',
    'type(task.exception()).__name__',
    'await asyncio.sleep(0, "awaited")',
  ])
  assert.deepEqual(cells.map(shownBy), [[], ["'KeyboardInterrupt'"], ["'awaited'"]])
})

test('at a graceful end files are written, threads are waited for, and only the handlers of the notebook run', async () => {
  await using kernel = await fork.kernel()
  await runFramed(kernel, [
    'left = open("left.txt", "w"); left.write("written")',
    'import gzip\nzipped = gzip.open("left.gz", "wt"); zipped.write("written")',
    `import atexit, threading, time
def note(line):
    with open("notes.txt", "a") as notes: notes.write(line + "\\n")
atexit.register(note, "atexit")
def slow(): time.sleep(0.05); note("thread")
threading.Thread(target=slow).start()`,
    'class Last:\n    def __del__(self, note=note): note("deleted")\nlast = Last()',
    'import multiprocessing as mp\ndef child(): time.sleep(0.05); note("child")\nmp.get_context("fork").Process(target=child).start()',
    'atexit._ncallbacks() < 8',
  ])
  await kernel.finish(10_000)
  assert.deepEqual(await kernel.process.exited, {
    reason: 'exited',
    exitCode: 0,
    signal: null,
    stderrTail: '',
    usage: {},
  })
  assert.equal(await readFile(join(kernel.home, 'left.txt'), 'utf8'), 'written')
  assert.ok((await readFile(join(kernel.home, 'left.gz'))).length > 20)
  const notes = (await readFile(join(kernel.home, 'notes.txt'), 'utf8')).trim().split('\n')
  assert.deepEqual(notes.toSorted(), ['atexit', 'child', 'deleted', 'thread'])
  // The child is a process of its own, which may be quicker than the thread.
  const ofKernel = notes.filter((note) => note !== 'child')
  assert.equal(ofKernel[0], 'thread')
})

test('what is printed while the kernel ends is still sent', async () => {
  await using kernel = await fork.kernel()
  await runFramed(kernel, [
    'import atexit, os; atexit.register(lambda: (print("bye"), os.write(1, b"from below\\n")));',
  ])
  const late: Message[] = []
  kernel.session.onOutput((message) => late.push(message))
  await kernel.finish(10_000)
  assert.equal(late.map(({ content }) => content['text']).join(''), 'bye\nfrom below\n')
})

test('"exit" is told in the reply, and the kernel ends by itself', async () => {
  await using kernel = await fork.kernel()
  const { outcome, printed } = await runFramed(kernel, ['print(1)', 'exit', 'print(2)'])
  assert.deepEqual(outcome, { kind: 'finished' })
  assert.deepEqual(printed, ['1\n', '', ''])
  assert.equal((await kernel.process.exited).exitCode, 0)
})

for (const [source, exitCode, signal] of [
  ['import os; os._exit(3)', 3, null],
  ['import os; os.kill(os.getpid(), 9)', null, 'SIGKILL'],
  [
    'import asyncio\nasync def leave(): raise SystemExit(4)\nt = asyncio.create_task(leave()); await asyncio.sleep(1)',
    4,
    null,
  ],
] as const) {
  test(`a kernel that dies of "${source.split('\n').at(-1)}" is told by its status`, async () => {
    await using kernel = await fork.kernel()
    const { outcome, printed } = await runFramed(kernel, ['print("before", flush=True)', source, 'print("after")'])
    assert.equal(outcome.kind, 'died')
    assert.deepEqual(printed.slice(0, 2), ['before\n', ''])
    const ending = await kernel.process.exited
    assert.deepEqual([ending.exitCode, ending.signal], [exitCode, signal])
  })
}

test('sys.exit is an error of the cell, not the end of the kernel', async () => {
  await using kernel = await fork.kernel()
  const { cells } = await runFramed(kernel, ['import sys; sys.exit(3)', '"alive"'])
  assert.equal(shownBy(cells[0])[0], 'SystemExit: 3')
  assert.deepEqual(shownBy(cells[1]), ["'alive'"])
})

test('the service sees that a kernel has died, also when a process it forked lives on', async () => {
  await using kernel = await fork.kernel()
  const code = 'import os, time\nif os.fork() == 0: time.sleep(60)\nos._exit(3)'
  kernel.session.request('execute_request', { ...ASKED, code }).done.catch(() => {})
  await assert.rejects(kernel.session.broken, /its connection broke/)
})

test('a kernel whose service is gone ends, whether it waits or prints, and its forked children do not keep it', async () => {
  const waiting = await fork.kernel()
  await runFramed(waiting, ['import os\nif os.fork() == 0:\n    import time; time.sleep(60); os._exit(0)'])
  await waiting.session[Symbol.asyncDispose]()
  assert.equal((await waiting.process.exited).exitCode, 0)
  await waiting[Symbol.asyncDispose]()
  const printing = await fork.kernel()
  const turning = Promise.withResolvers<void>()
  printing.session.onOutput(() => turning.resolve())
  const code = 'while True: print("x" * 1000)'
  printing.session.request('execute_request', { ...ASKED, code }).done.catch(() => {})
  await turning.promise
  await printing.session[Symbol.asyncDispose]()
  assert.equal((await printing.process.exited).exitCode, 1)
})
