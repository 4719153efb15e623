/** Comm messages into the state of widgets, as a saved notebook has it, and outputs into Output widgets. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { followRun } from '../../server/kernel/follow.ts'
import { OUTPUT_LIMITS, type OutputLimits } from '../../server/kernel/ledger.ts'
import { type CodeCell, type Notebook, parseNotebook } from '../../server/kernel/notebook.ts'
import type { Content, Message } from '../../server/kernel/wire.ts'

const TARGET = 'jupyter.widget'
const OUTPUT = { _model_name: 'OutputModel', _model_module: '@jupyter-widgets/output', _model_module_version: '1.0.0' }
const SLIDER = { _model_name: 'SliderModel', _model_module: 'controls', _model_module_version: '2.0.0' }

/** A notebook of one cell whose request is called `r1`, and a way to tell its run messages. */
function follow(limits: Partial<OutputLimits> = {}) {
  const file = { nbformat: 4, metadata: {}, cells: [{ cell_type: 'code', source: 'x', outputs: [] }] }
  const notebook = parseNotebook(Buffer.from(JSON.stringify(file)))
  let listener = (_message: Message): void => {}
  const sent: Content[] = []
  const session = {
    onOutput: (added: typeof listener) => {
      listener = added
    },
    send: (_type: string, content: Content) => {
      // As it goes over the wire.
      sent.push(JSON.parse(JSON.stringify(content)))
    },
  }
  const follower = followRun(notebook, session, {
    limits: { ...OUTPUT_LIMITS, ...limits },
    onMessage: () => {},
    onEvent: () => {},
  })
  const [cell] = notebook.cells
  assert.ok(cell?.cell_type === 'code')
  follower.follow('r1', cell, { cellNumber: 1, cellIndex: 0 })
  const say = (type: string, content: Content, buffers: Buffer[] = [], parentId = 'r1') => {
    const header = { msg_id: 'm', msg_type: type, session: 's', username: 'u', date: '', version: '5.3' }
    listener({ header, parentId, metadata: {}, content, buffers, sizeBytes: JSON.stringify(content).length })
  }
  const open = (id: string, state: Content, buffers: Buffer[] = [], paths: unknown = []) =>
    say('comm_open', { comm_id: id, target_name: TARGET, data: { state, buffer_paths: paths } }, buffers)
  const update = (id: string, state: Content, buffers: Buffer[] = [], paths: unknown = []) =>
    say('comm_msg', { comm_id: id, data: { method: 'update', state, buffer_paths: paths } }, buffers)
  const print = (text: string) => say('stream', { name: 'stdout', text })
  return { notebook, cell, say, open, update, print, sent, follower }
}

const stored = (notebook: Notebook) => JSON.parse(JSON.stringify(notebook.metadata))['widgets']
const models = (notebook: Notebook) => stored(notebook)['application/vnd.jupyter.widget-state+json'].state
const texts = (outputs: CodeCell['outputs']) => outputs.map((output) => ('text' in output ? output.text : ''))

test('the state of a model is what was opened with all that was changed, custom messages and echoes apart', () => {
  const { notebook, open, update, say } = follow()
  assert.equal(stored(notebook), undefined)
  open('a', { ...SLIDER, value: 1, max: 9 })
  update('a', { value: 2 })
  say('comm_msg', { comm_id: 'a', data: { method: 'custom', content: { state: { value: 3 } } } })
  say('comm_msg', { comm_id: 'a', data: { method: 'echo_update', state: { value: 4 } } })
  update('nobody', { value: 5 })
  assert.deepEqual(stored(notebook), {
    'application/vnd.jupyter.widget-state+json': {
      version_major: 2,
      version_minor: 0,
      state: {
        a: {
          model_name: 'SliderModel',
          model_module: 'controls',
          model_module_version: '2.0.0',
          state: { ...SLIDER, value: 2, max: 9 },
        },
      },
    },
  })
})

test('of binary buffers the latest of each path is stored, as base64', () => {
  const { notebook, open, update } = follow()
  open('a', { ...SLIDER, list: [null, null] }, [Buffer.from('one'), Buffer.from('two')], [['value'], ['list', 0]])
  update('a', {}, [Buffer.from('three')], [['value']])
  const buffer = (text: string, path: unknown[]) => ({
    data: Buffer.from(text).toString('base64'),
    encoding: 'base64',
    path,
  })
  assert.deepEqual(models(notebook).a.buffers, [buffer('two', ['list', 0]), buffer('three', ['value'])])
  update('a', { value: null, list: [] })
  assert.equal(models(notebook).a.buffers, undefined)
})

test('a change counts whoever caused it, and a closed model is gone', () => {
  const { notebook, open, say } = follow()
  open('a', { ...SLIDER, value: 1 })
  open('b', SLIDER)
  say('comm_msg', { comm_id: 'a', data: { method: 'update', state: { value: 2 } } }, [], 'a request of nobody')
  say('comm_close', { comm_id: 'b', data: {} })
  assert.equal(models(notebook).a.state.value, 2)
  assert.deepEqual(Object.keys(models(notebook)), ['a'])
})

test('keys of objects that every object has stay keys', () => {
  const { notebook, open } = follow()
  open('__proto__', JSON.parse(`{"_model_name":"M","__proto__":{"polluted":1}}`))
  assert.match(JSON.stringify(notebook.metadata), /"__proto__":\{"model_name":"M".*"__proto__":\{"polluted":1\}/)
  assert.equal(Reflect.get({}, 'polluted'), undefined)
})

test('models that would be larger than all may be are left out, and the cell says so', () => {
  const { notebook, cell, open, update } = follow({ widgetBytes: 1000 })
  open('a', { ...SLIDER, value: 'x'.repeat(500) })
  open('b', { ...SLIDER, value: 'y'.repeat(500) })
  update('b', { value: 'small' })
  update('a', { value: 'x'.repeat(600) })
  assert.deepEqual(Object.keys(models(notebook)), ['a'])
  assert.match(texts(cell.outputs).join(''), /^\[The state of a widget was left out/)
})

test('an Output widget takes what the request it captures says, until it is left', () => {
  const { notebook, cell, open, update, print, say } = follow()
  open('o', { ...OUTPUT, outputs: [], msg_id: '' })
  update('o', { msg_id: 'r1' })
  print('inside ')
  print('as one')
  say('error', { ename: 'E', evalue: '', traceback: [] })
  update('o', { msg_id: '' })
  print('outside')
  assert.deepEqual(texts(cell.outputs), ['outside'])
  assert.deepEqual(models(notebook).o.state.outputs, [
    { output_type: 'stream', name: 'stdout', text: 'inside as one' },
    { output_type: 'error', ename: 'E', evalue: '', traceback: [] },
  ])
})

test('of nested Output widgets the innermost takes, and leaving them in another order loses nothing', () => {
  const { notebook, cell, open, update, print } = follow()
  for (const id of ['outer', 'inner']) {
    open(id, { ...OUTPUT, outputs: [], msg_id: '' })
    update(id, { msg_id: 'r1' })
  }
  print('inner')
  update('outer', { msg_id: '' })
  print(' still')
  update('inner', { msg_id: '' })
  print('cell')
  assert.deepEqual(texts(models(notebook).inner.state.outputs), ['inner still'])
  assert.deepEqual(texts(cell.outputs), ['cell'])
})

test('clear_output inside clears the widget, at once or with the next output, and never the cell', () => {
  const { notebook, cell, open, update, print, say } = follow()
  print('cell')
  open('o', { ...OUTPUT, msg_id: 'r1' })
  print('gone')
  say('clear_output', { wait: false })
  print('gone too')
  say('clear_output', { wait: true })
  print('stays')
  update('o', { msg_id: '' })
  assert.deepEqual(texts(models(notebook).o.state.outputs), ['stays'])
  assert.deepEqual(texts(cell.outputs), ['cell'])
})

test('the kernel is told what its Output widgets hold, once for each change and not for each message', () => {
  const { follower, open, update, print, sent } = follow()
  open('o', { ...OUTPUT, msg_id: 'r1' })
  for (let line = 0; line < 100; line++) print(`${line}\n`)
  update('o', { msg_id: '' })
  follower.tellWidgets()
  follower.tellWidgets()
  assert.equal(sent.length, 1)
  const text = Array.from({ length: 100 }, (_, line) => `${line}\n`).join('')
  const outputs = [{ output_type: 'stream', name: 'stdout', text }]
  assert.deepEqual(sent[0], { comm_id: 'o', data: { method: 'update', state: { outputs }, buffer_paths: [] } })
})

test('outputs that the kernel sets itself replace those that were captured', () => {
  const { notebook, open, update, print } = follow()
  open('o', { ...OUTPUT, msg_id: 'r1' })
  print('captured')
  update('o', { outputs: [{ output_type: 'stream', name: 'stdout', text: 'set' }, 'no output', { output_type: 'x' }] })
  print('captured again')
  assert.deepEqual(texts(models(notebook).o.state.outputs), ['set', 'captured again'])
})

test('what an Output widget captures is bounded like a cell', () => {
  const { notebook, open, print } = follow({ cellBytes: 1000 })
  open('o', { ...OUTPUT, msg_id: 'r1' })
  for (let line = 0; line < 1000; line++) print(`${line}\n`)
  assert.match(texts(models(notebook).o.state.outputs).join(''), /^0\n1\n.*were left out here.*998\n999\n$/s)
})
