/** Kernels of other languages: found where Jupyter puts them, run cold over ZeroMQ like any other. */
import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createLog } from '../../server/ground/log.ts'
import { runCells } from '../../server/kernel/execute.ts'
import { KernelNotStarted } from '../../server/kernel/kernel.ts'
import { createKernels } from '../../server/kernel/kernels.ts'
import { parseNotebook } from '../../server/kernel/notebook.ts'
import { parseKernelspec, readKernelspecs } from '../../server/sandbox/kernelspecs.ts'
import { DEFAULT_LIMITS } from '../../server/sandbox/spec.ts'
import { testHost, testImage } from '../support/image.ts'
import { makeFolder } from '../support/make.ts'
import { stdoutOf } from '../support/notebook-run.ts'

const ECHO = fileURLToPath(new URL('../support/echo_kernel.py', import.meta.url))
const METADATA = { kernelspec: { name: 'echo', display_name: 'Echo', language: 'Echo' } }

const notebookOf = (...sources: string[]) => {
  const cells = sources.map((source) => ({
    cell_type: 'code',
    metadata: {},
    source,
    outputs: [],
    execution_count: null,
  }))
  return Buffer.from(JSON.stringify({ nbformat: 4, nbformat_minor: 4, metadata: METADATA, cells }))
}

test('a notebook in another language runs in the kernel that the image has for it', async (t) => {
  const root = await makeFolder(t)
  const share = join(await makeFolder(t), 'jupyter')
  await mkdir(join(share, 'kernels', 'echo'), { recursive: true })
  const [found, host] = await Promise.all([testImage(), testHost()])
  const argv = [found.python, '/echo_kernel.py', '-f', '{connection_file}']
  await writeFile(join(share, 'kernels', 'echo', 'kernel.json'), JSON.stringify({ argv, language: 'Echo' }))
  const env = { ...found.env, JUPYTER_PATH: share }
  const mounts = [...found.mounts, { source: ECHO, target: '/echo_kernel.py' }]
  const image = { ...found, mounts, kernelspecs: await readKernelspecs({ ...found, env }) }
  assert.deepEqual(
    image.kernelspecs.map(({ name, language }) => [name, language]),
    [['echo', 'Echo']],
  )
  const notebook = parseNotebook(notebookOf('hello', 'fail', 'never'), undefined, ['echo'])
  const log = createLog('silent')
  await using kernels = createKernels({ host, root, limits: DEFAULT_LIMITS, spares: 1, forking: true, log })
  await using seat = await kernels.take({ image, metadata: notebook.metadata, limits: DEFAULT_LIMITS })
  const kernel = await seat.kernel
  const outcome = await runCells({ notebook, kernel })
  assert.equal(kernel.start, 'cold')
  assert.deepEqual(outcome.kind === 'failed' && outcome.error.ename, 'EchoError')
  const [first] = notebook.cells
  assert.equal(first?.cell_type === 'code' && stdoutOf(first), 'hello')
  const told = notebook.metadata['language_info']
  assert.equal(typeof told === 'object' && told !== null && 'name' in told && told.name, 'echo')
})

test('a notebook in a language that the image lacks is told what there is', async (t) => {
  const [image, host] = await Promise.all([testImage(), testHost()])
  const root = await makeFolder(t)
  const log = createLog('silent')
  await using kernels = createKernels({ host, root, limits: DEFAULT_LIMITS, spares: 0, forking: false, log })
  await using seat = await kernels.take({ image, metadata: METADATA, limits: DEFAULT_LIMITS })
  await assert.rejects(seat.kernel, (error) => error instanceof KernelNotStarted && /python3/.test(error.message))
  assert.throws(() => parseNotebook(notebookOf('x')), /written in Echo; what can run here is Python/)
})

/** Its connection ends before it does, and before its first answer, as when something kills it in its start. */
const DIES_EARLY = `import json, sys, time, zmq
told = json.load(open(sys.argv[1]))
shell = zmq.Context().socket(zmq.ROUTER)
shell.bind("ipc://%s-%d" % (told["ip"], told["shell_port"]))
shell.recv_multipart()
shell.close()
time.sleep(0.1)
sys.exit(3)`

test('a kernel that dies before its first answer has not started, also when its connection is the first to end', async (t) => {
  const [image, host] = await Promise.all([testImage(), testHost()])
  const root = await makeFolder(t)
  const argv: [string, ...string[]] = [image.python, '-c', DIES_EARLY, '{connection_file}']
  const log = createLog('silent')
  await using kernels = createKernels({ host, root, limits: DEFAULT_LIMITS, spares: 0, forking: false, log })
  const kernelspecs = [{ name: 'echo', language: 'Echo', argv, env: {} }]
  await using seat = await kernels.take({
    image: { ...image, kernelspecs },
    metadata: METADATA,
    limits: DEFAULT_LIMITS,
  })
  await assert.rejects(seat.kernel, (error) => {
    assert.ok(error instanceof KernelNotStarted, String(error))
    assert.equal(error.ending?.exitCode, 3)
    return true
  })
})

test('what is no kernel spec is left out', () => {
  for (const text of ['', '[]', '{}', '{"argv":[],"language":"r"}', '{"argv":["R"]}', '{"argv":"R","language":"r"}']) {
    assert.equal(parseKernelspec('x', text), undefined, text)
  }
  assert.deepEqual(parseKernelspec('ir', '{"argv":["R","{connection_file}"],"language":"R","env":{"A":"b","C":1}}'), {
    name: 'ir',
    language: 'R',
    argv: ['R', '{connection_file}'],
    env: { A: 'b' },
  })
})
