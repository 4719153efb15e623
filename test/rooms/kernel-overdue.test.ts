/**
 * Runs that don't end by themselves: a cell that takes too long, a kernel that falls silent, never says idle, starts anew, dies
 * or sends too much. Scripted kernels, and for the interrupts real ones.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import { runSources } from '../support/notebook-run.ts'
import { good, runScripted, type Script } from '../support/scripted-kernel.ts'

const print = (say: Parameters<Script>[0], text: string) => say.output('stream', { name: 'stdout', text })

test('a cell over its time is interrupted, and the run has timed out although the cell ended', async () => {
  const slow: Script = async (say) => {
    await say.asked
    await say.reply({ status: 'error', ename: 'KeyboardInterrupt', evalue: '', traceback: [] })
    await say.status('idle')
  }
  const { outcome, events } = await runScripted('framed', [good(), slow, good()], { times: { cellMs: 50 } })
  assert.deepEqual(outcome, { kind: 'timeout', cause: 'CellTimeout', limitMs: 50, cellNumber: 2, cellIndex: 1 })
  const ended = events.at(-1)
  assert.equal(ended?.type === 'cellEnded' && ended.status, 'stopped')
})

test('a kernel that is killed after its cell was over its time has timed out, not died', async () => {
  const stubborn: Script = async (say) => {
    await say.asked
    say.die({ signal: 'SIGKILL' })
  }
  const { outcome } = await runScripted('framed', [stubborn], { times: { cellMs: 50 } })
  assert.equal(outcome.kind, 'timeout')
})

test('a kernel that falls silent ends the run, and what it said before is kept', async () => {
  const silent: Script = async (say) => {
    await print(say, 'the last word')
    await say.asked
    say.die({ signal: 'SIGKILL' })
  }
  const { outcome, cells } = await runScripted('framed', [silent], { times: { silenceMs: 50, cellMs: 60_000 } })
  assert.deepEqual(outcome, { kind: 'timeout', cause: 'Silent', limitMs: 50, cellNumber: 1, cellIndex: 0 })
  assert.deepEqual(cells[0]?.outputs, [{ output_type: 'stream', name: 'stdout', text: 'the last word' }])
})

for (const state of ['restarting', 'starting']) {
  test(`a kernel that says "${state}" under a cell has died, although its process lives on`, async () => {
    const { outcome } = await runScripted('zmq', [(say) => say.status(state)])
    assert.deepEqual(outcome, { kind: 'died', cellNumber: 1, cellIndex: 0 })
  })
}

test('a kernel that replies and never says idle is waited for as long as it speaks, then for four seconds', async () => {
  const endless: Script = async (say) => {
    await say.reply({ status: 'ok' })
    await print(say, 'late')
  }
  const { outcome, cells } = await runScripted('zmq', [endless, good()])
  assert.deepEqual(outcome, { kind: 'finished' })
  assert.deepEqual(cells[0]?.outputs, [{ output_type: 'stream', name: 'stdout', text: 'late' }])
})

test('what a kernel had sent when it died is kept', async () => {
  const dying: Script = async (say) => {
    for (let line = 0; line < 200; line++) void print(say, `${line}\n`)
    say.die({ exitCode: 3 })
  }
  const { outcome, cells } = await runScripted('framed', [dying])
  assert.equal(outcome.kind === 'died' && outcome.ending?.exitCode, 3)
  assert.match(JSON.stringify(cells[0]?.outputs), /199\\n/)
})

test('more than a run may send in all is an end of its own, and the beginning is kept', async () => {
  const flood: Script = async (say) => {
    for (let line = 0; line < 2000; line++) await print(say, 'x'.repeat(1000))
  }
  const session = { messageBytes: 1e6, totalBytes: 500_000 }
  for (const transport of ['zmq', 'framed'] as const) {
    const { outcome, cells } = await runScripted(transport, [flood], { session })
    assert.equal(outcome.kind, 'outputLimit')
    assert.match(JSON.stringify(cells[0]?.outputs), /x{1000}/)
  }
})

test('a real kernel is interrupted when its cell is over its time, and shows where', async () => {
  const { outcome, cells } = await runSources(['x = 1', 'while True: pass', 'print("never")'], {
    times: { cellMs: 300 },
  })
  assert.equal(outcome.kind === 'timeout' && outcome.cause, 'CellTimeout')
  assert.equal(cells[1]?.outputs.map((output) => 'ename' in output && output.ename)[0], 'KeyboardInterrupt')
  assert.deepEqual(cells[2]?.outputs, [])
})

test('a real kernel that swallows the interrupt is killed after the grace time, and has timed out', async () => {
  const stubborn = 'while True:\n    try:\n        while True: pass\n    except BaseException: pass'
  const { outcome } = await runSources([stubborn], { times: { silenceMs: 300 }, sandbox: { graceMs: 200 } })
  assert.equal(outcome.kind === 'timeout' && outcome.cause, 'Silent')
})
