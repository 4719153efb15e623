/**
 * What a forked kernel without ZeroMQ prints: by Python, by C code, by child processes and threads, in which order, for
 * which cell, in which pieces, and what happens when nobody reads.
 */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Message } from '../../server/kernel/wire.ts'
import { type FramedKernel, openFramedFork } from '../support/framed-kernel.ts'
import { runFramed, shownBy } from '../support/framed-run.ts'
import { testImage } from '../support/image.ts'
import { until } from '../support/until.ts'

const fork = await openFramedFork(await testImage(), ['json', 'multiprocessing.util'])
after(() => fork[Symbol.asyncDispose]())

const execute = (kernel: FramedKernel, code: string) =>
  kernel.session.request('execute_request', {
    code,
    silent: false,
    store_history: true,
    user_expressions: {},
    allow_stdin: false,
    stop_on_error: false,
  })

test('text keeps its order, whoever writes it: Python, C code, a child process', async () => {
  await using kernel = await fork.kernel()
  const { cells } = await runFramed(kernel, [
    "import os, ctypes\nfrom IPython.display import display\nC = ctypes.PyDLL(None)  # keeps the interpreter's lock, so that no other thread reads meanwhile",
    'print("1"); os.system("echo 2"); print("3"); C.puts(b"4"); C.fflush(None); print("5"); os.write(1, b"6\\n"); display("7"); print("8");',
    'print("out"); os.system("echo err >&2"); print("out again")',
    'os.write(2, b"last words\\n");',
    'import subprocess, sys\nsubprocess.run(["echo", "handed over"], stdout=sys.stdout);',
  ])
  assert.deepEqual(shownBy(cells[1]), ['stdout: 1\n2\n3\n4\n5\n6\n', "'7'", 'stdout: 8\n'])
  assert.deepEqual(shownBy(cells[2]), ['stdout: out\nout again\n', 'stderr: err\n'])
  assert.deepEqual(shownBy(cells[3]), ['stderr: last words\n'])
  assert.deepEqual(shownBy(cells[4]), ['stdout: handed over\n'])
})

test('a character that comes in two halves is whole, and bytes that are none are replaced', async () => {
  await using kernel = await fork.kernel()
  const { printed } = await runFramed(kernel, [
    'import os, sys\nos.write(1, b"\\xe2\\x82"); sys.stdout.flush(); os.write(1, b"\\xac\\n");',
    'os.write(1, b"a\\xffb\\n");',
    'os.write(1, b"cut \\xe2");',
    'os.write(1, b"next\\n");',
  ])
  assert.deepEqual(printed, ['€\n', 'a\ufffdb\n', 'cut \ufffd', 'next\n'])
})

test('a print is seen while its cell still runs, without a flush', async () => {
  await using kernel = await fork.kernel()
  const seen = Promise.withResolvers<void>()
  kernel.session.onOutput(({ content }) => {
    if (content['text'] === 'waiting\n') seen.resolve()
  })
  const wait = 'import os, time\nprint("waiting")\nwhile not os.path.exists("go"): time.sleep(0.001)'
  const asked = execute(kernel, wait)
  await seen.promise
  await writeFile(join(kernel.home, 'go'), '')
  assert.equal((await asked.done).content['status'], 'ok')
})

test('a print is seen while its cell still runs, also when no further thread can be started', async () => {
  await using kernel = await fork.kernel()
  const seen = Promise.withResolvers<void>()
  kernel.session.onOutput(({ content }) => {
    if (content['text'] === 'waiting\nfrom below\n') seen.resolve()
  })
  const asked = execute(
    kernel,
    `import os, time, threading
def no_more(*_): raise RuntimeError("can't start new thread")
threading._start_new_thread = no_more
print("waiting"); os.write(1, b"from below\\n")
while not os.path.exists("go"): time.sleep(0.001)`,
  )
  await seen.promise
  await writeFile(join(kernel.home, 'go'), '')
  assert.equal((await asked.done).content['status'], 'ok')
})

test('prints are gathered, and a long text is cut into messages of 64 K characters', async () => {
  await using kernel = await fork.kernel()
  const texts: string[] = []
  kernel.session.onOutput(({ header, content }) => {
    if (header.msg_type === 'stream') texts.push(String(content['text']))
  })
  await execute(kernel, 'for n in range(1000): print(n)').done
  assert.ok(texts.length < 10, `${texts.length} messages`)
  texts.length = 0
  await execute(kernel, 'print("x" * 200_000)').done
  assert.equal(texts.join(''), `${'x'.repeat(200_000)}\n`)
  assert.equal(Math.max(...texts.map((text) => text.length)), 65536)
})

test('300,000 prints, and a child that writes without end for a while, cost no more than they have to', async () => {
  await using kernel = await fork.kernel()
  const { cells, printed } = await runFramed(kernel, [
    'for n in range(300_000): print(n)',
    'import subprocess\nsubprocess.run("yes | head -c 3000000", shell=True);',
  ])
  assert.equal(printed[0]?.length, 1_988_890)
  assert.equal(printed[1]?.length, 3_000_000)
  assert.equal(cells[0]?.outputs.length, 1)
})

test('threads print to the cell that runs, and forked processes to the one they were forked in', async () => {
  await using kernel = await fork.kernel()
  const { printed } = await runFramed(kernel, [
    'import threading, os\ngo, gone = threading.Event(), threading.Event()\ndef late(): go.wait(); print("thread"); gone.set()\nthreading.Thread(target=late).start()',
    'go.set(); gone.wait(); print("cell")',
    'r, w = os.pipe()\npid = os.fork()\nif pid == 0:\n    os.read(r, 1); print("child of", 3); os._exit(7)',
    'os.write(w, b"x"); os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])',
  ])
  assert.deepEqual(printed, ['', 'thread\ncell\n', 'child of 3\n', ''])
})

test('processes of multiprocessing and of executors print, display and give their results', async () => {
  await using kernel = await fork.kernel()
  const { cells } = await runFramed(kernel, [
    'import multiprocessing as mp, os\nfrom IPython.display import display\nfrom concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor\nfork = mp.get_context("fork")',
    'def work(n): print("child", n); return n * n\np = fork.Process(target=work, args=(1,)); p.start(); p.join(); p.exitcode',
    'with fork.Pool(2) as pool: print(pool.map(abs, [-1, -2]))',
    'with ProcessPoolExecutor(1, mp_context=fork) as pool: print(list(pool.map(abs, [-3])))',
    'with ThreadPoolExecutor(2) as pool: print(list(pool.map(abs, [-4])))',
    'p = fork.Process(target=lambda: (print("first", flush=True), display("x" * 300_000))); p.start(); p.join()',
    'with mp.get_context("spawn").Pool(1) as pool: print(pool.map(abs, [-5]))',
  ])
  assert.deepEqual(shownBy(cells[1]), ['stdout: child 1\n', '0'])
  assert.deepEqual(cells.slice(2, 5).map(shownBy), [['stdout: [1, 2]\n'], ['stdout: [3]\n'], ['stdout: [4]\n']])
  assert.deepEqual(shownBy(cells[5]), ['stdout: first\n', `'${'x'.repeat(300_000)}'`])
  assert.deepEqual(shownBy(cells[6]), ['stdout: [5]\n'])
})

test('a forked process that runs to the end of its cell is no second kernel', async () => {
  await using kernel = await fork.kernel()
  const { cells, printed } = await runFramed(kernel, [
    'import os\nprint("before", flush=True)\npid = os.fork()',
    'print(os.waitpid(pid, 0)[1])',
    '1 + 1',
  ])
  assert.deepEqual(printed.slice(0, 2), ['before\n', '0\n'])
  assert.deepEqual(shownBy(cells[2]), ['2'])
})

test('sys.stdout refuses what is no text, and everything once it is closed', async () => {
  await using kernel = await fork.kernel()
  const { cells } = await runFramed(kernel, [
    'import sys\nsys.stdout.write(b"bytes")',
    'sys.stdout.writelines(["a\\n", "b\\n"]); sys.stdout.write("c") and None',
    'sys.stdout.closed, sys.stdout.writable(), sys.stdout.name',
    'import io\nsys.stdout.echo = io.StringIO(); print("echoed"); copy, sys.stdout.echo = sys.stdout.echo, None\ncopy.getvalue()',
    'sys.stdout.close()\nsys.stdout.write("more")',
  ])
  assert.deepEqual(shownBy(cells[0]), ["TypeError: write() argument must be str, not <class 'bytes'>"])
  assert.deepEqual(shownBy(cells[1]), ['stdout: a\nb\nc'])
  assert.deepEqual(shownBy(cells[2]), ["(False, True, 'stdout')"])
  assert.deepEqual(shownBy(cells[3]), ['stdout: echoed\n', "'echoed\\n'"])
  assert.deepEqual(shownBy(cells[4]), ['ValueError: I/O operation on closed file'])
})

test('a kernel whose messages nobody reads waits, with bounded memory, and goes on when somebody does', async () => {
  await using kernel = await fork.kernel()
  const messages: Message[] = []
  kernel.session.onOutput((message) => messages.push(message))
  kernel.pause()
  const asked = execute(kernel, 'for n in range(20_000): print("x" * 1000)')
  // Where in the system it waits: while it has nothing to do, for events.
  await until(async () => /sock|unix/.test(await readFile(`/proc/${kernel.pid}/wchan`, 'utf8')))
  const before = await residentBytes(kernel.pid)
  kernel.resume()
  assert.equal((await asked.done).content['status'], 'ok')
  const text = messages.map(({ content }) => String(content['text'] ?? '')).join('')
  assert.equal(text.length, 20_000 * 1001)
  assert.ok((await residentBytes(kernel.pid)) < before + 30_000_000)
})

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(status.match(/VmRSS:\s+(\d+) kB/)?.[1]) * 1024
}
