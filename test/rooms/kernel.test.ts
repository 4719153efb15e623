/**
 * A real kernel of the image in a real sandbox: what cells do, and what a run makes of it.
 */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { OUTPUT_LIMITS } from '../../server/kernel/ledger.ts'
import type { Output } from '../../server/kernel/notebook.ts'
import { runSources, stdoutOf } from '../support/notebook-run.ts'

const kinds = (outputs: readonly Output[] = []) => outputs.map((output) => output.output_type)

test('cells share one namespace, are numbered in order, and show their last value', async () => {
  const { outcome, cells } = await runSources(['x = 20', '', 'print(x)\nx + 1'])
  assert.deepEqual(outcome, { kind: 'finished' })
  assert.deepEqual(
    cells.map((cell) => cell.execution_count),
    [1, null, 2],
  )
  assert.equal(cells[2] && stdoutOf(cells[2]), '20\n')
  assert.deepEqual(cells[2]?.outputs.at(-1), {
    output_type: 'execute_result',
    data: { 'text/plain': '21' },
    metadata: {},
    execution_count: 2,
  })
})

test('a cell that raises ends the run, and the cells after it stay empty', async () => {
  const { outcome, cells } = await runSources(['print(1)', 'a = 5\na / 0', 'print(3)'])
  assert.equal(outcome.kind, 'failed')
  if (outcome.kind !== 'failed') return
  const { ename, evalue, cellIndex, cellNumber } = outcome.error
  assert.deepEqual(
    { ename, evalue, cellIndex, cellNumber },
    {
      ename: 'ZeroDivisionError',
      evalue: 'division by zero',
      cellIndex: 1,
      cellNumber: 2,
    },
  )
  assert.deepEqual(kinds(cells[1]?.outputs), ['error'])
  assert.deepEqual(cells[2]?.outputs, [])
  assert.equal(cells[2]?.execution_count, null)
})

test('a cell tagged raises-exception may raise, one tagged skip-execution is left alone', async () => {
  const { outcome, printed } = await runSources([
    ['raise ValueError("as planned")', ['raises-exception']],
    ['print("skipped")', ['skip-execution']],
    'print("ran")',
  ])
  assert.equal(outcome.kind, 'finished')
  assert.equal(printed, 'ran\n')
})

test('input() is refused at once instead of waiting for nobody', async () => {
  const { outcome } = await runSources(['input("who?")'])
  assert.equal(outcome.kind === 'failed' && outcome.error.ename, 'StdinNotImplementedError')
})

for (const source of ['import sys; sys.exit()', 'import sys; sys.exit(0)', 'raise SystemExit', 'exit', 'quit()']) {
  test(`"${source}" ends the run early and well`, async () => {
    const { outcome, printed } = await runSources(['print(1)', source, 'print(2)'])
    assert.deepEqual(outcome, { kind: 'finished' })
    assert.equal(printed, '1\n')
  })
}

test('sys.exit(1) is a failure', async () => {
  const { outcome } = await runSources(['import sys; sys.exit(1)', 'print(2)'])
  assert.equal(outcome.kind === 'failed' && outcome.error.ename, 'SystemExit')
})

test('magics, shell commands, cell magics and top-level await work', async () => {
  const { outcome, cells } = await runSources([
    '!echo from a shell',
    '%%bash\necho from $HOME',
    'import asyncio\nawait asyncio.sleep(0)\nprint("awaited")',
    'import os\nos.write(1, b"from a descriptor\\n");\nos.system("echo from a child")',
  ])
  assert.equal(outcome.kind, 'finished')
  const printed = cells.map((cell) => stdoutOf(cell).replaceAll('\r', ''))
  assert.deepEqual(printed.slice(0, 3), ['from a shell\n', 'from /home/notebook\n', 'awaited\n'])
  assert.equal(printed[3], 'from a descriptor\nfrom a child\n')
})

test('a plot is shown as a PNG picture, from the font list that set-up has made', async () => {
  const { cells } = await runSources(['import matplotlib.pyplot as plt\nplt.plot([1, 3, 2]);'])
  const [picture] = cells[0]?.outputs ?? []
  assert.equal(picture?.output_type, 'display_data')
  if (picture?.output_type !== 'display_data') return
  const png = Buffer.from(String(picture.data['image/png']), 'base64')
  assert.deepEqual(png.subarray(0, 4), Buffer.from([0x89, 0x50, 0x4e, 0x47]))
  assert.equal(cells[0]?.outputs.length, 1)
})

test('inputs are read from INPUT_DIR and outputs outlive the kernel in OUTPUT_DIR', async () => {
  let copy = ''
  const source = `import os, shutil
shutil.copy(os.environ["INPUT_DIR"] + "/a.csv", os.environ["OUTPUT_DIR"] + "/b.csv")`
  await runSources([source], {
    stage: (inputs) => writeFile(join(inputs, 'a.csv'), 'x\n1\n'),
    collect: async (outputs) => {
      copy = await readFile(join(outputs, 'b.csv'), 'utf8')
    },
  })
  assert.equal(copy, 'x\n1\n')
})

for (const [source, expected] of [
  ['import os; os._exit(3)', { reason: 'exited', exitCode: 3, signal: null }],
  ['import os, signal; os.kill(os.getpid(), signal.SIGKILL)', { reason: 'exited', exitCode: null, signal: 'SIGKILL' }],
  ['import ctypes; ctypes.string_at(0)', { reason: 'exited', exitCode: null, signal: 'SIGSEGV' }],
] as const) {
  test(`a kernel that dies of "${source}" is reported with its cause, its cell and what came before`, async () => {
    const { outcome, printed } = await runSources(['print("before", flush=True)', source, 'print("after")'])
    assert.equal(outcome.kind, 'died')
    if (outcome.kind !== 'died') return
    const { reason, exitCode, signal } = outcome.ending ?? {}
    assert.deepEqual({ reason, exitCode, signal }, expected)
    assert.equal(outcome.cellNumber, 2)
    assert.equal(printed, 'before\n')
  })
}

test('an infinite loop is interrupted by the signal, and the notebook shows where', async () => {
  const stop = new AbortController()
  const { outcome, cells } = await runSources(['print("turning", flush=True)\nwhile True: pass'], {
    signal: stop.signal,
    onStream: () => stop.abort(),
  })
  assert.deepEqual(outcome, { kind: 'stopped' })
  assert.deepEqual(kinds(cells[0]?.outputs), ['stream', 'error'])
})

test('a loop that swallows interrupts is killed after the grace time', async () => {
  const stop = new AbortController()
  const stubborn = `print("turning", flush=True)
while True:
    try:
        while True: pass
    except BaseException: pass`
  const { outcome } = await runSources([stubborn], {
    signal: stop.signal,
    sandbox: { graceMs: 200 },
    onStream: () => stop.abort(),
  })
  assert.deepEqual(outcome, { kind: 'stopped' })
})

test('the output of a thread that outlives its cell is still kept', async () => {
  const thread = `import threading, time
go = threading.Event()
def late():
    go.wait()
    print("late", flush=True)
t = threading.Thread(target=late); t.start()`
  const { printed } = await runSources([thread, 'go.set(); t.join(); print("end")'])
  assert.match(printed, /late\n/)
})

test('events tell each cell twice, and stream text comes in order, the traceback without colours', async () => {
  const progress: string[] = []
  let errors = ''
  let text = ''
  await runSources(['print("a")', 'print("b"); 1/0'], {
    onEvent: (event) => {
      if (event.type === 'cellStarted') progress.push(`${event.cellNumber}/${event.cells} started`)
      if (event.type === 'cellEnded') progress.push(`${event.cellNumber}/${event.cells} ${event.status}`)
    },
    onStream: (name, added) => {
      if (name === 'stdout') text += added
      else errors += added
    },
  })
  assert.deepEqual(progress, ['1/2 started', '1/2 ok', '2/2 started', '2/2 error'])
  assert.equal(text, 'a\nb\n')
  assert.match(errors, /ZeroDivisionError: division by zero/)
  assert.ok(!errors.includes('\u001b'))
})

test('of a print of more than a cell may hold the beginning and the end are kept, and the run goes on', async () => {
  const limits = { ...OUTPUT_LIMITS, cellBytes: 100_000, runBytes: 1_000_000 }
  const { outcome, cells } = await runSources(
    ['for i in range(30): print(i, "x" * 10_000, flush=True)', 'print("next")'],
    { limits },
  )
  assert.equal(outcome.kind, 'finished')
  const [head, marker, tail] = (cells[0]?.outputs ?? []).map((output) => ('text' in output ? output.text : ''))
  assert.match(head ?? '', /^0 x/)
  assert.match(marker ?? '', /^\[\d+(\.\d)? KB were left out here/)
  assert.match(tail ?? '', /29 x+\n$/)
  assert.ok(Buffer.byteLength(JSON.stringify(cells[0]?.outputs)) < 110_000)
  assert.equal(cells[1] && stdoutOf(cells[1]), 'next\n')
})

test('a flood is cut off, and so is a single message over the limit', async () => {
  // Flushed, because ipykernel 6 gathers a fifth of a second of prints, a hundred megabytes, into one message.
  const flood = await runSources(['while True: print("x" * 1000, flush=True)'], {
    session: { messageBytes: 100_000_000, totalBytes: 5_000_000 },
  })
  assert.match(flood.outcome.kind === 'outputLimit' ? flood.outcome.message : '', /sent more than 5 MB/)
  const single = await runSources(['print("x" * 5_000_000)'], {
    session: { messageBytes: 2_000_000, totalBytes: 50_000_000 },
  })
  assert.match(single.outcome.kind === 'broken' ? single.outcome.message : '', /one message was over 2 MB/)
})
