/**
 * Level 1, where namespaces are forbidden: what Landlock, the filter and plain permissions keep a forked child from. Asked
 * for on machines that would allow more, so that it is tested everywhere.
 */
import assert from 'node:assert/strict'
import { stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { ENVIRONMENT, openTestForkServer } from '../support/fork-server.ts'
import { LANDLOCKED } from '../support/fork-ways.ts'

const TRY = `
import errno, ctypes, resource
libc = ctypes.CDLL(None, use_errno=True)
def trying(what):
    try:
        return what()
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))
def calling(name, *arguments):
    return 0 if getattr(libc, name)(*arguments) >= 0 else errno.errorcode[ctypes.get_errno()]
`

for (const { name, options, ownUid } of LANDLOCKED) {
  test(`inside without namespaces, ${name}`, async (t) => {
    await using server = await openTestForkServer(options)
    const [probe, other] = await Promise.all([server.probe(), server.probe()])
    await probe.ask('None', TRY)
    const tries = (...expressions: string[]) =>
      probe.ask(`[${expressions.map((expression) => `trying(lambda: ${expression})`).join(', ')}]`)

    await t.test('every capability is gone, nothing can be gained, and the filter is on', async () => {
      const status = String(await probe.ask('open("/proc/self/status").read()'))
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb'])
        assert.match(status, new RegExp(`^${set}:\\t0+$`, 'm'))
      assert.match(status, /^NoNewPrivs:\t1$/m)
      assert.match(status, /^Seccomp:\t2$/m)
      if (ownUid) assert.match(status, /^CapBnd:\t0+$/m)
    })

    await t.test('its variables name its own folders, and home is one of them', async () => {
      const work = join(probe.folder, 'work')
      assert.deepEqual(await probe.ask('dict(os.environ)'), {
        ...ENVIRONMENT,
        HOME: work,
        TMPDIR: work,
        INPUT_DIR: join(probe.folder, 'in'),
        OUTPUT_DIR: join(probe.folder, 'out'),
        MPLCONFIGDIR: join(work, '.matplotlib'),
      })
      assert.deepEqual(await probe.ask('[os.getcwd(), tempfile.gettempdir()]', 'import tempfile'), [work, work])
    })

    await t.test('its own folders are there, and of the machine only what programs are', async () => {
      await writeFile(join(probe.folder, 'in/table.csv'), 'a,b')
      await writeFile(join(other.folder, 'in/secret'), 'x')
      assert.deepEqual(
        await tries(
          'open(os.environ["INPUT_DIR"] + "/table.csv").read()',
          'open(os.environ["OUTPUT_DIR"] + "/x", "w").close()',
          'open("x", "w").close()',
          'os.rename("x", os.environ["OUTPUT_DIR"] + "/y")',
          'len(os.listdir("/usr/bin")) > 10',
          'open("/dev/null", "w").close()',
          'len(open("/proc/self/stat").read()) > 10',
          'os.cpu_count() > 0',
        ),
        ['a,b', null, null, null, true, null, true, true],
      )
      const outside = [
        ...[other.folder, `${other.folder}/in`, '/', '/home', '/proc', `/proc/${process.pid}/fd`].map(
          (f) => `os.listdir("${f}")`,
        ),
        ...[`${other.folder}/in/secret`, '/etc/passwd', '/proc/1/cmdline', `/proc/${process.pid}/environ`].map(
          (f) => `open("${f}")`,
        ),
        ...[`${probe.folder}/in/x`, '/tmp/x', '/dev/shm/x', '/etc/x', '/var/tmp/x', '/proc/self/root/tmp/x'].map(
          (f) => `open("${f}", "w")`,
        ),
      ]
      assert.deepEqual(await tries(...outside), Array(outside.length).fill('EACCES'))
    })

    await t.test('there is no network at all, not even a socket', async () => {
      await using machine = createServer().listen(0, '127.0.0.1')
      assert.deepEqual(
        await tries(
          'socket.socket()',
          'socket.socket(socket.AF_UNIX)',
          'socket.socket(socket.AF_NETLINK)',
          'len(socket.socketpair())',
        ),
        ['EACCES', 'EACCES', 'EACCES', 2],
      )
      assert.ok(machine)
    })

    await t.test('it has inherited nothing but the standard three and its socket', async () => {
      assert.deepEqual(
        await probe.ask(
          'sorted(d for d in range(4096) if is_open(d))',
          'def is_open(d):\n  try:\n    os.fstat(d)\n    return True\n  except OSError:\n    return False',
        ),
        [0, 1, 2, 3],
      )
    })

    await t.test('other processes can’t be signaled, traced or read, and no namespace be made', async () => {
      const others = [process.pid, Number(server.up['pid'])]
      const parent = Number(await probe.ask('os.getppid()'))
      assert.deepEqual(
        await tries(
          ...[...others, parent].map((pid) => `os.kill(${pid}, 0)`),
          ...others.map((pid) => `calling("ptrace", 16, ${pid}, 0, 0)`),
          'calling("unshare", 0x10000000)',
          'calling("mount", b"x", b"/tmp", b"tmpfs", 0, None)',
        ),
        Array(7).fill('EPERM'),
      )
      assert.deepEqual(await tries(...others.map((pid) => `open("/proc/${pid}/mem", "r+b")`)), ['EACCES', 'EACCES'])
    })

    await t.test('nothing is made that outlives the run, and nothing of the service’s changed', async () => {
      const target = join(other.folder, 'in')
      const rlimit = process.arch === 'arm64' ? 261 : 302
      assert.deepEqual(
        await tries(
          'calling("shmget", 0, 4096, 0o1600)',
          `calling("syscall", ${rlimit}, ${process.pid}, 7, None, None)`,
          'resource.getrlimit(resource.RLIMIT_CORE)[0]',
          'calling("setpriority", 2, 0, 19)',
        ),
        ['EPERM', 'EPERM', 0, 'EPERM'],
      )
      const { mode } = await stat(target)
      await tries(`os.chmod("${target}", 0)`)
      assert.equal((await stat(target)).mode, mode)
    })

    await t.test('when its guardian is killed, the run dies with it all the same', async () => {
      const run = await server.probe()
      await run.ask('None', 'import signal\nif os.fork() == 0:\n  os.setsid()\n  while True:\n    signal.pause()')
      process.kill(Number(await run.ask('os.getppid()')), 'SIGKILL')
      assert.equal((await run.exited)['status'], 9)
      await run.hungUp
      assert.equal(await other.ask('1'), 1)
    })

    await t.test('its memory is bounded process by process', async () => {
      const bounded = await server.probe({ limits: { dataBytes: 64 << 20 } })
      await assert.rejects(bounded.ask('len(bytearray(128 << 20))'), /MemoryError/)
    })
  })
}

test('an image that runs can’t get at is said to be out of reach', { skip: LANDLOCKED.length < 2 }, async () => {
  const closed = { source: '/root/.no-such-image', target: '/root/.no-such-image' }
  await using server = await openTestForkServer({ level: 1, mounts: [closed] })
  await assert.rejects(server.probe(), /\.no-such-image/)
})
