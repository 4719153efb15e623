/**
 * What a run makes of messages, told by scripted kernels over the sockets of both transports: the cases of nbclient's
 * TestRunCell, and the orders and forgeries that no good kernel sends.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import { type CodeCell, parseNotebook } from '../../server/kernel/notebook.ts'
import { good, runScripted, type Say, type Script, type Transport } from '../support/scripted-kernel.ts'

const TRANSPORTS: readonly Transport[] = ['zmq', 'framed']

const print = (say: Say, text: string, name = 'stdout', more = {}) => say.output('stream', { name, text }, more)
const show = (say: Say, text: string, id?: string, type = 'display_data') =>
  say.output(type, {
    data: { 'text/plain': text },
    metadata: {},
    transient: id === undefined ? {} : { display_id: id },
    ...(type === 'execute_result' ? { execution_count: 42 } : {}),
  })
const fail = (say: Say) => say.reply({ status: 'error', ename: 'E', evalue: 'v', traceback: ['t'] })

/** Each output as a short text. */
const told = (cell: CodeCell | undefined) =>
  (cell?.outputs ?? []).map((output) => {
    if (output.output_type === 'stream') return `${output.name}:${output.text}`
    if (output.output_type === 'error') return `error:${output.ename}`
    return `${output.output_type}:${output.data['text/plain']}`
  })

/** What one cell holds after a script. */
const single: [string, Script, string[]][] = [
  ['a cell that says nothing has no outputs', good(), []],
  [
    'what another request caused is not this cell’s',
    good(async (say) => {
      await print(say, 'mine')
      await print(say, 'not mine', 'stdout', { parent: 'somebody else' })
      await print(say, 'nobody’s', 'stdout', { parent: '' })
    }),
    ['stdout:mine'],
  ],
  [
    'streams of both names, in order',
    good(async (say) => {
      await print(say, 'one ')
      await print(say, 'two')
      await print(say, 'three', 'stderr')
    }),
    ['stdout:one two', 'stderr:three'],
  ],
  [
    'the idle may come before the reply',
    async (say) => {
      await say.status('busy')
      await print(say, 'text')
      await say.status('idle')
      await say.reply({ status: 'ok' })
    },
    ['stdout:text'],
  ],
  [
    'outputs that come after the reply are the cell’s, until the idle',
    async (say) => {
      await say.reply({ status: 'ok' })
      for (let line = 0; line < 50; line++) await print(say, `${line} `)
      await say.status('idle')
    },
    [`stdout:${Array.from({ length: 50 }, (_, line) => `${line} `).join('')}`],
  ],
  ['unknown types change nothing', good((say) => say.output('usage_request', { a: 1 })), []],
  [
    'clear_output clears at once, and with wait at the next output',
    good(async (say) => {
      await print(say, 'a')
      await say.output('clear_output', {})
      await print(say, 'b')
      await say.output('clear_output', { wait: true })
      await print(say, 'c')
    }),
    ['stdout:c'],
  ],
  [
    'a wait that nothing follows clears nothing',
    good(async (say) => {
      await print(say, 'a')
      await say.output('clear_output', { wait: true })
    }),
    ['stdout:a'],
  ],
  [
    'a result with an id that was shown before renews both',
    good(async (say) => {
      await show(say, 'old', 'i')
      await show(say, 'other', 'j')
      await show(say, 'new', 'i', 'execute_result')
    }),
    ['display_data:new', 'display_data:other', 'execute_result:new'],
  ],
  [
    'an update without an id, or with one of nobody, changes nothing',
    good(async (say) => {
      await show(say, 'a', 'i')
      await show(say, 'b', undefined, 'update_display_data')
      await show(say, 'c', 'k', 'update_display_data')
    }),
    ['display_data:a'],
  ],
  [
    'an error that is only shown does not end the run',
    good((say) => say.output('error', { ename: 'Shown', evalue: '', traceback: [] })),
    ['error:Shown'],
  ],
  [
    'a comm for nobody does no harm',
    good(async (say) => {
      await say.output('comm_open', { comm_id: 'c', target_name: 'nobody', data: { state: 5 } })
      await say.output('comm_msg', { comm_id: 'c', data: 'text' })
      await say.output('comm_close', {})
    }),
    [],
  ],
]

for (const transport of TRANSPORTS) {
  for (const [name, script, expected] of single) {
    test(`${transport}: ${name}`, async () => {
      const { outcome, cells } = await runScripted(transport, [script])
      assert.deepEqual(outcome, { kind: 'finished' })
      assert.deepEqual(told(cells[0]), expected)
    })
  }

  test(`${transport}: cells are numbered as they run, whatever the kernel counts`, async () => {
    const counted = good((say) => show(say, 'r', undefined, 'execute_result'))
    const { cells } = await runScripted(transport, [counted, counted])
    assert.deepEqual(
      cells.map((cell) => [cell.execution_count, cell.outputs[0]]),
      [1, 2].map((count) => [
        count,
        { output_type: 'execute_result', data: { 'text/plain': 'r' }, metadata: {}, execution_count: count },
      ]),
    )
  })

  test(`${transport}: only code that is not blank and not tagged is run`, async () => {
    const code = (source: string, tags: string[] = []) => ({
      cell_type: 'code',
      metadata: { tags },
      source,
      outputs: [],
    })
    const file = {
      nbformat: 4,
      metadata: {},
      cells: [
        code(' \n'),
        { cell_type: 'markdown', source: 'text' },
        code('a', ['skip-execution']),
        { cell_type: 'raw', source: 'text' },
        code('b'),
      ],
    }
    const notebook = parseNotebook(Buffer.from(JSON.stringify(file)))
    const ran = await runScripted(transport, [good((say) => print(say, 'b'))], { notebook })
    assert.deepEqual(
      ran.cells.map((cell) => [cell.execution_count, told(cell)]),
      [
        [null, []],
        [null, []],
        [1, ['stdout:b']],
      ],
    )
  })

  test(`${transport}: an error in the reply ends the run, also when none was shown`, async () => {
    const failing: Script = async (say) => {
      await fail(say)
      await say.status('idle')
    }
    const { outcome, cells, events } = await runScripted(transport, [failing, good()])
    const error = { ename: 'E', evalue: 'v', traceback: ['t'], cellIndex: 0, cellNumber: 1 }
    assert.deepEqual(outcome, { kind: 'failed', error })
    assert.equal(cells[1]?.execution_count, null)
    assert.deepEqual(
      events.map((event) => (event.type === 'cellEnded' ? event.status : event.type)),
      ['cellStarted', 'error'],
    )
  })

  test(`${transport}: a kernel that says it leaves ends the run well`, async () => {
    const leaving: Script = async (say) => {
      await say.reply({ status: 'ok', payload: [{ source: 'ask_exit', keepkernel: false }] })
      await say.status('idle')
    }
    const { outcome, cells } = await runScripted(transport, [leaving, good()])
    assert.deepEqual(outcome, { kind: 'finished' })
    assert.equal(cells[1]?.execution_count, null)
  })

  test(`${transport}: an update reaches the cells before, a late output its own cell`, async () => {
    let first = ''
    const opening = good(async (say) => {
      first = say.id
      await show(say, 'old', 'i')
    })
    const later = good(async (say) => {
      await show(say, 'new', 'i', 'update_display_data')
      await print(say, 'late', 'stdout', { parent: first })
    })
    const { cells } = await runScripted(transport, [opening, later])
    assert.deepEqual(cells.map(told), [['display_data:new', 'stdout:late'], []])
  })

  test(`${transport}: times are those of the kernel, under the names that nbclient has`, async () => {
    const { cells } = await runScripted(transport, [good()])
    const times = cells[0]?.metadata['execution'] ?? {}
    assert.deepEqual(Object.keys(times).toSorted(), [
      'iopub.execute_input',
      'iopub.status.busy',
      'iopub.status.idle',
      'shell.execute_reply',
    ])
    for (const time of Object.values(times)) assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  })

  test(`${transport}: events tell what happened in its order, and what each cell took`, async () => {
    const talking = good(async (say) => {
      await print(say, 'text')
      await show(say, 'shown', 'i')
      await show(say, 'again', 'i', 'update_display_data')
      await show(say, 'result', undefined, 'execute_result')
      await say.output('clear_output', { wait: true })
      await say.output('error', { ename: 'E', evalue: '', traceback: [] })
    })
    const { events } = await runScripted(transport, [talking])
    assert.deepEqual(
      events.map((event) => event.type),
      ['cellStarted', 'stream', 'display', 'updateDisplay', 'display', 'clearOutput', 'error', 'cellEnded'],
    )
    const ended = events.at(-1)
    assert.ok(ended?.type === 'cellEnded')
    assert.deepEqual([ended.status, ended.cellNumber, ended.cellIndex, ended.cells], ['ok', 1, 0, 1])
    assert.equal(ended.messages, 9)
    assert.ok(ended.outputBytes > 100 && ended.ms >= 0 && ended.endedAt >= ended.startedAt)
  })

  test(`${transport}: bytes that are no message are dropped, and the run goes on`, async () => {
    const forged = good(async (say) => {
      await say.raw(transport === 'zmq' ? [Buffer.from('no message')] : [frame('[]'), frame('{"t":5}'), frame('{')])
      await print(say, 'after')
    })
    const { outcome, cells } = await runScripted(transport, [forged])
    assert.deepEqual(outcome, { kind: 'finished' })
    assert.deepEqual(told(cells[0]), ['stdout:after'])
  })
}

test('zmq: a message with another signature is dropped', async () => {
  const forged = good(async (say) => {
    const parts = [
      { msg_id: 'x', msg_type: 'stream', session: '', username: '', date: '', version: '5.3' },
      { msg_id: say.id },
      {},
      { name: 'stdout', text: 'forged' },
    ]
    await say.raw(
      ['<IDS|MSG>', 'ab'.repeat(32), ...parts.map((part) => JSON.stringify(part))].map((part) => Buffer.from(part)),
    )
  })
  const { cells } = await runScripted('zmq', [forged])
  assert.deepEqual(told(cells[0]), [])
})

function frame(json: string): Buffer {
  const header = Buffer.alloc(8)
  header.writeUInt32LE(json.length, 0)
  return Buffer.concat([header, Buffer.from(json)])
}
