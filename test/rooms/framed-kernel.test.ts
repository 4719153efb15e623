/**
 * A forked kernel without ZeroMQ: what its preparation must not leave behind, and what cells do in it. Every notebook gets
 * a kernel of its own; all of them come from one preparation.
 */
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { after, test } from 'node:test'
import { openFramedFork } from '../support/framed-kernel.ts'
import { runFramed, shownBy } from '../support/framed-run.ts'
import { testImage } from '../support/image.ts'

const fork = await openFramedFork(await testImage())
after(() => fork[Symbol.asyncDispose]())

test('the preparation leaves one thread, and names what it could not import', async () => {
  assert.equal(fork.facts['threads'], 1)
  assert.ok(Array.isArray(fork.facts['preloaded']) && fork.facts['preloaded'].includes('pandas'))
  await using other = await openFramedFork(await testImage(), ['json', 'no_such_module'])
  assert.deepEqual(other.facts['preloaded'], ['json'])
  const why = "ModuleNotFoundError: No module named 'no_such_module'"
  assert.deepEqual(other.facts['skipped'], [{ module: 'no_such_module', why }])
})

test('the first cell finds nothing of the cells that warmed the kernel', async () => {
  await using kernel = await fork.kernel()
  const { cells } = await runFramed(kernel, [
    '_, __, ___, Out, In[:1], _i, _ii, _iii',
    'import sys\n[name for name in dir(sys) if name.startswith("last_")], [n for n in globals() if n[0] != "_" and n != "open"]',
    'import linecache, matplotlib.pyplot as plt\n[n for n in linecache.cache if "ipykernel_" in n], plt.get_fignums()',
    'import warnings, pandas\ndef f(): warnings.warn("w")\nf()',
  ])
  assert.deepEqual(
    cells.map((cell) => cell.execution_count),
    [1, 2, 3, 4],
  )
  assert.equal(shownBy(cells[0])[0], "('', '', '', {}, [''], '', '', '')")
  assert.equal(shownBy(cells[1])[0], "([], ['In', 'Out', 'get_ipython', 'exit', 'quit', 'sys'])")
  assert.match(shownBy(cells[2])[0] ?? '', /^\(\[('\/tmp\/ipykernel_\d+\/\d+\.py'[,\s]*){3}\],\s*\[\]\)$/)
  assert.match(shownBy(cells[3])[0] ?? '', /UserWarning: w/)
})

test('siblings share neither randomness nor the identity of their session', async () => {
  const drawn = await Promise.all(
    [1, 2].map(async () => {
      await using kernel = await fork.kernel()
      const draw = `import random, uuid, secrets, numpy as np
random.random(), np.random.rand(), uuid.uuid4(), secrets.token_hex(8), get_ipython().kernel.session.session, get_ipython().kernel.ident`
      const { cells } = await runFramed(kernel, [draw])
      return shownBy(cells[0])[0]?.split(',') ?? []
    }),
  )
  const [ours = [], others = []] = drawn
  assert.equal(ours.length, 6)
  assert.deepEqual(
    ours.filter((value, index) => value === others[index]),
    [],
  )
})

test('no ZeroMQ context, socket or thread exists, and one helper thread', async () => {
  await using kernel = await fork.kernel()
  const { cells } = await runFramed(kernel, [
    'import zmq, gc, threading, os\n[o for o in gc.get_objects() if isinstance(o, (zmq.Context, zmq.Socket))]',
    '[t.name for t in threading.enumerate()], len(os.listdir("/proc/self/task"))',
    'paths = ["/proc/self/fd/" + n for n in os.listdir("/proc/self/fd")]\nsum("socket" in os.readlink(p) for p in paths if os.path.lexists(p))',
  ])
  assert.equal(shownBy(cells[0])[0], '[]')
  // One more for each core that linear algebra may use, which Python does not know of.
  assert.match(shownBy(cells[1])[0] ?? '', /^\(\['MainThread', 'IOPub'\], \d+\)$/)
  // The one to the service; and three pairs: of the loop, of signals, of forked processes.
  assert.ok(Number(shownBy(cells[2])[0]) <= 7, shownBy(cells[2])[0])
})

test('an interpreter looks as the one that ipykernel_launcher starts', async () => {
  await using kernel = await fork.kernel()
  const { cells } = await runFramed(kernel, [
    'import sys, os\n[arg.rpartition("/")[2] for arg in sys.argv], __name__, sys.path.count(""), "forks" in sys.modules',
    '[folder for folder in sys.path if folder.endswith("runner")], get_ipython().home_dir == os.path.expanduser("~") == os.getcwd()',
    'type(get_ipython()).__name__, "IPKernelApp" in get_ipython().config, type(get_ipython().kernel).__module__',
    'sys.stdout.isatty(), sys.stdout.encoding, sys.stdout.fileno(), hasattr(sys.stdout, "buffer"), type(sys.stdout)',
    'os.path.exists(os.path.expanduser("~/.ipython/profile_default/history.sqlite")), get_ipython().profile_dir.location',
    '%%writefile forks.py\nMINE = 1',
    'import forks\nforks.MINE',
  ])
  assert.equal(shownBy(cells[0])[0], "(['ipykernel_launcher.py'], '__main__', 1, False)")
  assert.equal(shownBy(cells[1])[0], '([], True)')
  assert.equal(shownBy(cells[2])[0], "('ZMQInteractiveShell', True, 'ipykernel.ipkernel')")
  assert.equal(shownBy(cells[3])[0], "(False, 'UTF-8', 1, False, ipykernel.iostream.OutStream)")
  assert.equal(shownBy(cells[4])[0], `(False, '${kernel.home}/.ipython/profile_default')`)
  assert.equal(shownBy(cells[6])[0], '1')
})

test('plots are shown without being asked for, by %matplotlib inline, and after an error', async () => {
  await using kernel = await fork.kernel()
  const { cells } = await runFramed(kernel, [
    'import matplotlib.pyplot as plt\nplt.plot([1, 2]);',
    'plt.plot([1, 2])\n1/0',
    '%matplotlib inline\nplt.plot([2, 1]);',
    'import pandas as pd\npd.Series([1, 2]).plot();',
    'print("nothing is left to show")',
  ])
  assert.deepEqual(cells.map(shownBy), [
    ['a picture'],
    ['ZeroDivisionError: division by zero', 'a picture'],
    ['a picture'],
    ['a picture'],
    ['stdout: nothing is left to show\n'],
  ])
})

test('top-level await, tasks that go on between cells, and loops of the usual policy work', async () => {
  await using kernel = await fork.kernel()
  const { cells } = await runFramed(kernel, [
    'import asyncio\nawait asyncio.sleep(0, "awaited")',
    'go = asyncio.Event()\nasync def ticking():\n    while not go.is_set(): await asyncio.sleep(0.001)\n    return "ticked"\ntask = asyncio.create_task(ticking())',
    'asyncio.get_running_loop().call_later(0.01, go.set);',
    'await task',
    'asyncio.run(asyncio.sleep(0))',
    'type(asyncio.get_event_loop_policy()).__name__.strip("_")',
    'import threading\ngot = []\nt = threading.Thread(target=lambda: got.append(asyncio.run(asyncio.sleep(0, 5)))); t.start(); t.join(); got',
    'import contextvars\nv = contextvars.ContextVar("v"); v.set(3);',
    'v.get()',
  ])
  assert.equal(shownBy(cells[0])[0], "'awaited'")
  assert.equal(shownBy(cells[3])[0], "'ticked'")
  assert.match(shownBy(cells[4])[0] ?? '', /^RuntimeError: asyncio.run\(\) cannot be called from a running event loop/)
  assert.equal(shownBy(cells[5])[0], "'UnixDefaultEventLoopPolicy'")
  assert.equal(shownBy(cells[6])[0], '[5]')
  assert.equal(shownBy(cells[8])[0], '3')
})

test('magics, shell commands, scripts and help work, and input() is refused at once', async () => {
  await using kernel = await fork.kernel()
  const { cells } = await runFramed(kernel, [
    '!echo $((6 * 7))',
    '%%bash\necho bash',
    '%%capture held\nprint("inside")',
    'held.stdout',
    '%%writefile part.py\nprint("ran", __name__)\nX = 1',
    '%run part.py',
    'X, "part.py" in __import__("os").listdir()',
    'len?',
    'input("who?")',
    'import getpass\ngetpass.getpass()',
    '%lsmagic\n',
  ])
  assert.deepEqual(shownBy(cells[0]), ['stdout: 42\n'])
  assert.deepEqual(shownBy(cells[1]), ['stdout: bash\n'])
  assert.deepEqual([shownBy(cells[2]), shownBy(cells[3])], [[], ["'inside\\n'"]])
  assert.deepEqual(shownBy(cells[5]), ['stdout: ran __main__\n'])
  assert.deepEqual(shownBy(cells[6]), ['(1, True)'])
  assert.match(shownBy(cells[8])[0] ?? '', /^StdinNotImplementedError/)
  assert.match(shownBy(cells[9])[0] ?? '', /^StdinNotImplementedError/)
  assert.match(shownBy(cells[10])[0] ?? '', /%store/)
})

test('what no JSON can hold is sent in a form that can be read, or refused as an error of the cell', async () => {
  await using kernel = await fork.kernel()
  const { cells } = await runFramed(kernel, [
    'import numpy as np\nfrom IPython.display import display\nshow = lambda **d: display({"text/plain": "t", "application/json": d}, raw=True)',
    'show(nan=float("nan"), inf=-np.inf, one=np.int64(1), bytes=b"abcdef", **{"a b": None})',
    'show(list=np.arange(2), half=np.float64(0.5), keys={1: 2, None: 3})',
    'print("\\ud800 half"); "\\udc80"',
    'deep = []\nfor _ in range(100_000): deep = [deep]\nshow(deep=deep)',
    'show(what=object())',
    '"alive"',
  ])
  const json = cells.slice(1, 3).map(({ outputs }) => {
    const [shown] = outputs.filter((output) => output.output_type === 'display_data')
    const data = shown?.data['application/json']
    // Older versions of jupyter_client end base64 with a new line.
    return JSON.parse(JSON.stringify(data ?? null).replace('\\n', ''))
  })
  assert.deepEqual(json, [
    { nan: 'nan', inf: '-inf', one: 1, bytes: 'YWJjZGVm', 'a b': null },
    { list: [0, 1], half: 0.5, keys: { 1: 2, null: 3 } },
  ])
  assert.deepEqual(shownBy(cells[3]), ['stdout: \ufffd half\n', "'\\udc80'"])
  assert.match(shownBy(cells[4])[0] ?? '', /^RecursionError/)
  assert.match(shownBy(cells[5])[0] ?? '', /^ValueError: Can't clean for JSON/)
  assert.deepEqual(shownBy(cells[6]), ["'alive'"])
})

test('a comm carries its data and its buffers both ways', async () => {
  await using kernel = await fork.kernel()
  const sent: [string, unknown, string][] = []
  await runFramed(kernel, [
    `try: from comm import create_comm
except ImportError: from ipykernel.comm import Comm as create_comm
got = []
c = create_comm(target_name="t", data={"x": 1}, buffers=[b"abc", memoryview(b"de")], comm_id="one")
c.on_msg(got.append)`,
  ])
  kernel.session.send('comm_msg', { comm_id: 'one', data: { y: 2 } }, [Buffer.from('12'), Buffer.from('3')])
  const code =
    'c.send({"z": 3}, buffers=[b"out"]); print([(m["content"]["data"], [bytes(b) for b in m["buffers"]]) for m in got])'
  const ask = {
    code,
    silent: false,
    store_history: true,
    user_expressions: {},
    allow_stdin: false,
    stop_on_error: false,
  }
  let printed = ''
  kernel.session.onOutput(({ header, content, buffers }) => {
    if (header.msg_type.startsWith('comm'))
      sent.push([header.msg_type, content['data'], Buffer.concat(buffers).toString()])
    if (header.msg_type === 'stream') printed += String(content['text'])
  })
  await kernel.session.request('execute_request', ask).done
  assert.deepEqual(sent, [['comm_msg', { z: 3 }, 'out']])
  assert.equal(printed, "[({'y': 2}, [b'12', b'3'])]\n")
})

test('kernel_info and comm_info are answered, and what nobody knows is ignored', async () => {
  await using kernel = await fork.kernel()
  const info = await kernel.session.request('kernel_info_request', {}).done
  assert.equal(info.content['implementation'], 'ipython')
  assert.deepEqual(kernel.info['language_info'], info.content['language_info'])
  const comms = await kernel.session.request('comm_info_request', {}).done
  assert.deepEqual(comms.content['comms'], {})
  kernel.session.send('no_such_request', {})
  const { printed } = await runFramed(kernel, ['print("alive")'])
  assert.deepEqual(printed, ['alive\n'])
  assert.ok((await readdir(kernel.home)).includes('.ipython'))
})
