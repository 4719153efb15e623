/**
 * What a notebook can't do. Each test attacks from inside a real kernel in the real sandbox.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import test from 'node:test'
import { probeSandbox } from '../../server/sandbox/probe.ts'
import { openSandbox } from '../../server/sandbox/process.ts'
import { DEFAULT_LIMITS } from '../../server/sandbox/spec.ts'
import { testHost, testImage } from '../support/image.ts'
import { runSources } from '../support/notebook-run.ts'
import { pidsWith } from '../support/pids.ts'

const MB = 1024 ** 2
const host = await testHost()

/** Waits for the kernel's own signal of the end of each process; the test runner's time limit is the limit. */
async function untilGone(pids: readonly number[]): Promise<void> {
  while (pids.some((pid) => isAlive(pid))) await new Promise((resolve) => setImmediate(resolve))
}

function isAlive(pid: number): boolean {
  // A zombie is dead: where the new parent is slow to reap, its entry stays for a while.
  try {
    return !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

/** Python that prints the result of an expression, or the name of what it raised. */
const attempt = (expression: string) => `try:
    print(${expression})
except BaseException as error:
    print(type(error).__name__)`

async function tries(...expressions: string[]): Promise<string[]> {
  const { printed } = await runSources(['import os, socket, ctypes', ...expressions.map(attempt)])
  return printed.trim().split('\n')
}

test('the probe says what it found', () => {
  assert.equal(host.problem, undefined)
  assert.ok(host.level >= 2)
  assert.match(host.name, /namespaces \+ seccomp/)
})

test('without namespaces Landlock stands in where the kernel has it, only for forked kernels, and what that lacks is named', async () => {
  const asked = await probeSandbox({ bwrap: host.bwrap, mode: 'landlock', image: testImage })
  const spec = { command: ['/bin/true'] as const, cwd: '/tmp', env: {}, mounts: [], limits: DEFAULT_LIMITS }
  await assert.rejects(openSandbox({ ...spec, command: ['/bin/true'] }, asked), { kind: 'unavailable' })
  if (asked.level === 1) {
    assert.match(asked.name, /seccomp \+ Landlock/)
    assert.match(asked.missing.join(), /no namespaces.*no size limit on OUTPUT_DIR/)
    return
  }
  assert.equal(asked.level, 0)
  assert.match(asked.problem ?? '', /Landlock can't stand in for it: /)
})

test('where nothing can be had notebooks are refused, with both reasons', async () => {
  const none = await probeSandbox({ bwrap: '/nowhere/bwrap', mode: 'on' })
  assert.equal(none.level, 0)
  assert.match(none.problem ?? '', /\/nowhere\/bwrap(.|\n)*there is no image/)
  assert.deepEqual(none.missing, ['everything'])
})

test('there is no network: not the host, not an address, not a name', async () => {
  await using server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  const refused = await tries(
    `socket.create_connection(("127.0.0.1", ${port}), 1)`,
    'socket.create_connection(("169.254.169.254", 80), 1)',
    'socket.getaddrinfo("example.com", 80)',
    'socket.socket(socket.AF_PACKET)',
    'socket.socket(socket.AF_VSOCK)',
  )
  assert.deepEqual(refused, ['ConnectionRefusedError', 'OSError', 'gaierror', 'OSError', 'OSError'])
})

test('the machine is not there: no shadow, no home folders, no other processes', async () => {
  const seen = await tries(
    'open("/etc/shadow").read()',
    'sorted(os.listdir("/home"))',
    'open("/proc/1/environ").read()',
    'os.listdir("/root/.ssh")',
    'sorted(name for name in os.listdir("/") if name not in ("lib32", "libx32", "lib64", "root", "work"))',
    'len([p for p in os.listdir("/proc") if p.isdigit()]) < 4',
    'socket.gethostname()',
  )
  assert.equal(seen[0], 'FileNotFoundError')
  // Besides the run's own home only the way to the image, for a repository that lies below /home.
  const ways = (await testImage()).mounts.map(({ target }) => target.split('/')).filter(([, top]) => top === 'home')
  const homes = [...new Set(['notebook', ...ways.map(([, , user]) => user ?? '')])].sort()
  assert.equal(seen[1], `[${homes.map((name) => `'${name}'`).join(', ')}]`)
  // An ordinary user's first process is the run's own, with the run's own variables.
  assert.match(seen[2] ?? '', /PermissionError|INPUT_DIR=\/in/)
  assert.match(seen[3] ?? '', /Error/)
  assert.deepEqual(seen.slice(5), ['True', 'fieldbook'])
})

test('the environment is exactly the documented one and what a kernel adds for terminals', async () => {
  const { printed } = await runSources(['import os, json; print(json.dumps(sorted(os.environ)))'])
  const image = [
    'LD_LIBRARY_PATH',
    'PYTHONPATH',
    'MATPLOTLIBRC',
    'MATPLOTLIBDATA',
    'JUPYTER_PATH',
    'FONTCONFIG_PATH',
    'FONTCONFIG_FILE',
  ]
  const kernel = [
    'CLICOLOR',
    'CLICOLOR_FORCE',
    'FORCE_COLOR',
    'GIT_PAGER',
    'MPLBACKEND',
    'PAGER',
    'PWD',
    'PYDEVD_USE_FRAME_EVAL',
    'TERM',
  ]
  const names: string[] = JSON.parse(printed)
  assert.deepEqual(
    names.filter((name) => !kernel.includes(name) && !image.includes(name)),
    ['HOME', 'INPUT_DIR', 'LANG', 'MPLCONFIGDIR', 'OUTPUT_DIR', 'PATH', 'TMPDIR', 'TZ', 'USER'],
  )
})

test('inputs, the system and the interpreter are read-only; only the run’s own folders can be written', async () => {
  const results = await tries(
    'open("/in/x", "w")',
    'open("/usr/x", "w")',
    'open("/etc/x", "w")',
    'open("/x", "w")',
    'open(os.__file__, "a")',
    'open("/out/x", "w").close()',
    'open("x", "w").close()',
    'open("/tmp/x", "w").close()',
    'open(os.path.expanduser("~/x"), "w").close()',
  )
  assert.ok(
    results.slice(0, 5).every((result) => /OSError|PermissionError/.test(result)),
    results.join(),
  )
  assert.deepEqual(results.slice(5), ['None', 'None', 'None', 'None'])
})

test('privileges can’t be had: no identity, namespace, mount, trace or key', async () => {
  const call = (name: string, ...args: string[]) => `ctypes.CDLL(None, use_errno=True).${name}(${args.join(', ')})`
  const results = await tries(
    'os.setuid(0)',
    call('unshare', '0x10000000'),
    call('mount', 'b"x"', 'b"/tmp"', 'b"tmpfs"', '0', 'None'),
    call('ptrace', '0', '0', '0', '0'),
    'os.chroot("/tmp")',
    'open("/proc/self/status").read().split("CapBnd:")[1].split()[0]',
    'open("/proc/self/status").read().split("NoNewPrivs:")[1].split()[0]',
    'open("/proc/self/status").read().split("Seccomp:")[1].split()[0]',
  )
  assert.match(results[0] ?? '', /PermissionError|OSError/)
  assert.deepEqual(results.slice(1, 4), ['-1', '-1', '-1'])
  assert.equal(results[4], 'PermissionError')
  assert.deepEqual(results.slice(5), ['0000000000000000', '1', '2'])
})

test('a fork bomb reaches its limit and is gone afterwards', async () => {
  const bomb = `import os
children = 0
try:
    while True:
        if os.fork() == 0:
            os.execvp("sleep", ["sleep", "16180.339"])
        children += 1
except BlockingIOError:
    print(children < 64)`
  const { printed } = await runSources([bomb], { sandbox: { processes: 64 } })
  assert.equal(printed, 'True\n')
  assert.deepEqual(await pidsWith('16180.339'), [])
})

test('a memory bomb ends the run, named as such where the machine can tell', async () => {
  const { outcome } = await runSources(['held = []\nwhile True: held.append(bytearray(10_000_000))'], {
    sandbox: { memoryBytes: 256 * MB },
  })
  if (host.cgroup) assert.equal(outcome.kind === 'died' && outcome.ending?.reason, 'outOfMemory')
  else assert.equal(outcome.kind === 'failed' && outcome.error.ename, 'MemoryError')
})

test('temporary folders and single files have their limits', async () => {
  const fill = (path: string) => `try:
    with open("${path}", "wb") as file:
        for _ in range(64): file.write(bytes(1_000_000))
    print("written")
except OSError as error:
    print(error.errno)`
  const { printed } = await runSources([fill('/tmp/big'), fill('/dev/shm/big'), fill('/out/big')], {
    sandbox: { temporaryBytes: 20 * MB, fileBytes: 30 * MB },
  })
  assert.equal(printed, '28\n28\n27\n') // ENOSPC, ENOSPC, EFBIG
})

test('nothing is left: no process, no control group', async () => {
  const groups = async () => {
    const folders = host.cgroup ? [host.cgroup.memory, host.cgroup.pids] : []
    const names = await Promise.all(folders.map((folder) => readdir(folder)))
    return names.flat().filter((name) => name.startsWith(`fieldbook-${process.pid}-`))
  }
  const daemon = 'import subprocess\nsubprocess.Popen(["setsid", "sleep", "98765.4"], start_new_session=True)\nprint(1)'
  await runSources([daemon])
  assert.deepEqual(await pidsWith('98765.4'), [])
  assert.deepEqual(await groups(), [])
})

test('when the service is killed, so is everything it had started', async () => {
  const script = `
    const { testHost } = await import('./test/support/image.ts')
    const { openSandbox } = await import('./server/sandbox/process.ts')
    const { DEFAULT_LIMITS } = await import('./server/sandbox/spec.ts')
    const host = await testHost()
    const { uid } = host.takeUid()
    const command = ['/bin/sh', '-c', 'echo started >&2; sleep 87654.3; true']
    const spec = { command, cwd: '/tmp', env: { PATH: '/usr/bin:/bin' }, mounts: [], limits: DEFAULT_LIMITS }
    const sandbox = await openSandbox(uid === undefined ? spec : { ...spec, uid }, host)
    setInterval(() => { if (sandbox.stderrTail() !== '') process.stdout.write('started') }, 5)`
  const service = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: join(import.meta.dirname, '../..'),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(service.stdout, 'data')
  const inside = await pidsWith('87654.3')
  assert.notEqual(inside.length, 0)
  service.kill('SIGKILL')
  await once(service, 'exit')
  await untilGone(inside)
})

test('the first reason for an end wins', async () => {
  const { uid, release } = host.takeUid()
  const spec = {
    command: ['/bin/sleep', '1000'] as const,
    cwd: '/tmp',
    env: { PATH: '/usr/bin:/bin' },
    mounts: [],
    limits: DEFAULT_LIMITS,
    ...(uid === undefined ? {} : { uid }),
  }
  await using sandbox = await openSandbox({ ...spec, command: ['/bin/sleep', '1000'] }, host)
  sandbox.end('timeout')
  sandbox.end('canceled')
  const ending = await sandbox.exited
  release()
  assert.equal(ending.reason, 'timeout')
})
