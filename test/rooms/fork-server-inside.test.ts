/**
 * What is inside the sandbox that a forked child enters, seen from inside: nothing but the run's own. As root and, where the
 * tests are root, as an ordinary user too. The cold path makes the same promises in `sandbox.test.ts`.
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { ENVIRONMENT, HOME, LIMITS, openTestForkServer, type Probe } from '../support/fork-server.ts'
import { NAMESPACED } from '../support/fork-ways.ts'
import { testImage } from '../support/image.ts'

/** Python that gives the name of the error number an expression fails with, or its value. */
const TRY = `
import errno, ctypes
libc = ctypes.CDLL(None, use_errno=True)
def trying(what):
    try:
        return what()
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))
def calling(name, *arguments):
    return 0 if getattr(libc, name)(*arguments) >= 0 else errno.errorcode[ctypes.get_errno()]
def filling(folder, chunk=1 << 20, files=0):
    try:
        for number in range(files):
            open(f"{folder}/n{number}", "w").close()
        with open(f"{folder}/big", "wb") as file:
            for _ in range(1000):
                file.write(b"x" * chunk)
                file.flush()
    except OSError as error:
        return errno.errorcode[error.errno]
`

const tries = async (probe: Probe, ...expressions: string[]) => {
  await probe.ask('None', TRY)
  return probe.ask(`[${expressions.map((expression) => `trying(lambda: ${expression})`).join(', ')}]`)
}

const image = await testImage()
/** What is to be seen in a folder of everybody's because the image lies below it. */
const waysBelow = (folder: string) => [
  ...new Set(image.mounts.flatMap(({ target }) => target.match(`^${folder}/([^/]+)`)?.[1] ?? [])),
]

for (const { name, options, ownUid } of NAMESPACED) {
  test(`inside, ${name}`, async (t) => {
    await using server = await openTestForkServer(options)
    const probe = await server.probe()

    await t.test('every capability is gone, nothing can be gained, and the filter is on', async () => {
      const status = String(await probe.ask('open("/proc/self/status").read()'))
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) {
        assert.match(status, new RegExp(`^${set}:\\t0+$`, 'm'))
      }
      assert.match(status, /^NoNewPrivs:\t1$/m)
      assert.match(status, /^Seccomp:\t2$/m)
      assert.match(status, /^Groups:\t *$/m)
      const ids = await probe.ask('[*os.getresuid(), *os.getresgid()]')
      assert.ok(Array.isArray(ids) && new Set(ids).size === 1 && ids[0] !== 0)
    })

    await t.test(
      'it is a session of its own, in the home folder, as a new process would be, and dies with its parent',
      async () => {
        const facts = await probe.ask(
          '[os.getpid(), os.getpgid(0), os.getsid(0), os.getcwd(), os.umask(0o22), signal.getsignal(signal.SIGTERM) == signal.SIG_DFL, signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL, signal.getsignal(signal.SIGINT) == signal.default_int_handler, signal.set_wakeup_fd(-1), sys.path[0], gc.isenabled(), ctypes.CDLL(None).prctl(3), death.value]',
          'import signal, gc, ctypes\ndeath = ctypes.c_int()\nctypes.CDLL(None).prctl(2, ctypes.byref(death))',
        )
        assert.deepEqual(facts, [2, 2, 2, `${HOME}/work`, 0o22, true, true, true, -1, '', true, 1, 9])
      },
    )

    await t.test('the environment is exactly what was ordered, and the time zone is set', async () => {
      assert.deepEqual(await probe.ask('dict(os.environ)'), ENVIRONMENT)
      assert.equal(
        await probe.ask('subprocess.getoutput("env | grep -v _= | wc -l").strip()', 'import subprocess'),
        '6',
      ) // and PWD, by the shell
      assert.equal(await probe.ask('time.strftime("%Z", time.localtime(0))', 'import time'), 'JST')
    })

    await t.test('it has inherited nothing but the standard three and its socket', async () => {
      const open = await probe.ask(
        'sorted(d for d in range(4096) if is_open(d))',
        'def is_open(d):\n  try:\n    os.fstat(d)\n    return True\n  except OSError:\n    return False',
      )
      assert.deepEqual(open, [0, 1, 2, 3])
      assert.equal(await probe.ask('os.readlink("/proc/self/fd/0")'), '/dev/null')
    })

    await t.test('other runs, their folders and their processes are not there', async () => {
      const other = await server.probe()
      await writeFile(join(other.folder, 'in', 'secret'), 'x')
      const seen = await probe.ask(
        '[os.listdir(f) for f in ("/.host", "/.out", "/.own", "/in", "/out", "/tmp", "/dev/shm")] + [sorted(p for p in os.listdir("/proc") if p.isdigit())]',
      )
      assert.deepEqual(seen, [
        [],
        [],
        [],
        [],
        [],
        options.asUser === undefined ? waysBelow('/tmp') : [],
        [],
        ['1', '2'],
      ])
      const mounts = String(await probe.ask('open("/proc/self/mountinfo").read()'))
      assert.ok(!mounts.includes(other.id))
      assert.deepEqual(await tries(probe, 'sorted(os.listdir("/home"))', 'open("/etc/shadow")', 'os.listdir("/sys")'), [
        [...(options.asUser === undefined ? waysBelow('/home') : []), 'notebook'].sort(),
        'ENOENT',
        'ENOENT',
      ])
      other.tell('os._exit(0)')
      await other.exited
    })

    await t.test('inputs can be read and nothing but the run’s own places written', async () => {
      await writeFile(join(probe.folder, 'in', 'table.csv'), 'a,b')
      assert.equal(await probe.ask('open("/in/table.csv").read()'), 'a,b')
      const written = await tries(
        probe,
        ...[
          '/in/x',
          '/usr/x',
          '/etc/x',
          '/etc/passwd',
          '/x',
          '/dev/x',
          '/home/x',
          '/.host/x',
          '/proc/sys/kernel/hostname',
        ].map((path) => `open("${path}", "w")`),
        ...['/out/x', '/tmp/x', '/dev/shm/x', `${HOME}/x`, 'x', '/var/tmp/y'].map(
          (path) => `open("${path}", "w").close()`,
        ),
      )
      assert.ok(Array.isArray(written))
      assert.deepEqual(new Set(written.slice(0, 9)), new Set(['EROFS', 'EACCES']))
      assert.deepEqual(written.slice(9), [null, null, null, null, null, null])
    })

    await t.test('it is called notebook, whoever it is, and nobody else is known', async () => {
      assert.deepEqual(
        await probe.ask(
          '[p.pw_name for p in pwd.getpwall()] + [pwd.getpwuid(os.getuid()).pw_dir, grp.getgrgid(os.getgid()).gr_name]',
          'import pwd, grp',
        ),
        ['root', 'notebook', HOME, 'notebook'],
      )
    })

    await t.test('there is a loopback and no other network', async () => {
      await using machine = createServer().listen(0, '127.0.0.1')
      await using abstract = createServer().listen('\0fieldbook-test-abstract')
      await Promise.all(
        [machine, abstract].map((s) => (s.listening ? null : new Promise((r) => s.once('listening', r)))),
      )
      const address = machine.address()
      const port = typeof address === 'object' ? address?.port : 0
      await probe.ask('None', 'own = socket.create_server(("127.0.0.1", 0))')
      assert.deepEqual(
        await tries(
          probe,
          `socket.create_connection(("127.0.0.1", ${port}), 2)`,
          'socket.create_connection(("10.0.0.1", 80), 2)',
          'socket.socket(socket.AF_UNIX).connect("\\0fieldbook-test-abstract")',
          'socket.create_connection(own.getsockname(), 2).close()',
          'socket.socket(socket.AF_PACKET)',
          '[name for _, name in socket.if_nameindex()]',
          'socket.gethostname()',
        ),
        ['ECONNREFUSED', 'ENETUNREACH', 'ECONNREFUSED', null, 'EAFNOSUPPORT', ['lo'], 'fieldbook'],
      )
    })

    await t.test('no identity, namespace, mount, trace, key, program or ring can be had', async () => {
      const numbers = process.arch === 'arm64' ? { keyctl: 219, bpf: 280 } : { keyctl: 250, bpf: 321 }
      assert.deepEqual(
        await tries(
          probe,
          'os.chroot("/tmp")',
          'calling("unshare", 0x10000000)',
          'calling("unshare", 0x20000)',
          'calling("mount", b"x", b"/tmp", b"tmpfs", 0, None)',
          'calling("umount2", b"/proc", 2)',
          'calling("ptrace", 16, 1, 0, 0)',
          `calling("syscall", ${numbers.keyctl}, 0, 0, 0)`,
          `calling("syscall", ${numbers.bpf}, 0, 0, 0)`,
          'calling("syscall", 425, 1, 0)',
          'os.mknod("/tmp/disk", 0o60600, os.makedev(254, 0))',
          'os.setpriority(os.PRIO_PROCESS, 0, -5)',
        ),
        [...Array(10).fill('EPERM'), 'EACCES'],
      )
    })

    await t.test('the first process is out of reach', async () => {
      assert.deepEqual(
        await tries(
          probe,
          'open("/proc/1/mem", "r+b")',
          'open("/proc/1/environ").read()',
          'os.listdir("/proc/1/root")',
          'os.readlink("/proc/1/fd/0")',
        ),
        Array(4).fill('EACCES'),
      )
      await probe.ask(
        'None',
        'import signal\nfor n in (9, 15, 19):\n  try:\n    os.kill(1, n)\n  except PermissionError:\n    pass',
      )
      assert.equal(await probe.ask('1'), 1) // with it everything would have died
    })

    await t.test('pseudo-terminals work, as for a command after an exclamation mark', async () => {
      assert.equal(
        await probe.ask(
          'said.decode()',
          `
import pty, subprocess
a, b = os.openpty()
subprocess.run(["sh", "-c", "tty -s && echo yes"], stdin=b, stdout=b)
said = b""
# The terminal passes on the word and the end of its line one after the other.
while not said.endswith(b"\\n"): said += os.read(a, 100)
`,
        ),
        'yes\r\n',
      )
    })

    await t.test('orphans are reaped, so that none stays as a zombie', async () => {
      const left = await probe.ask(
        'sorted(p for p in os.listdir("/proc") if p.isdigit())',
        `
reading, writing = os.pipe()
if os.fork() == 0:
    if os.fork() == 0:
        os._exit(0)
    os._exit(0)
os.wait()
os.close(writing)
os.read(reading, 1)
import time
while len([p for p in os.listdir("/proc") if p.isdigit()]) > 2:
    time.sleep(0.001)
`,
      )
      assert.deepEqual(left, ['1', '2'])
    })

    await t.test('each place has a size and a number of files, and files a largest size', async () => {
      for (const place of ['/out', '/tmp', '/dev/shm', HOME]) {
        const bomb = await server.probe()
        const count = place === '/out' ? LIMITS.outputFiles : LIMITS.temporaryFiles
        await bomb.ask('None', TRY)
        assert.equal(await bomb.ask(`filling("${place}")`), 'ENOSPC', place)
        assert.equal(await bomb.ask(`filling("${place}", 1, ${count + 1})`), 'ENOSPC', place)
        bomb.tell('os._exit(0)')
        await bomb.exited
      }
      const large = await server.probe({ limits: { fileBytes: 1 << 20 } })
      await large.ask('None', TRY)
      assert.equal(await large.ask('filling("/tmp")'), 'EFBIG')
    })

    await t.test('resources are limited', async () => {
      const limits = await probe.ask(
        '[resource.getrlimit(getattr(resource, "RLIMIT_" + n))[1] for n in ("CORE", "NOFILE", "NPROC", "FSIZE", "MSGQUEUE")]',
        'import resource',
      )
      assert.deepEqual(limits, [0, LIMITS.openFiles, LIMITS.processes, LIMITS.fileBytes, 0])
      const bounded = await server.probe({ limits: { dataBytes: 64 << 20 } })
      await assert.rejects(bounded.ask('len(bytearray(128 << 20))'), /MemoryError/)
    })

    await t.test('a run that takes all its processes leaves its neighbour with its own', async () => {
      const bomb = await server.probe()
      const stopped = await bomb.ask(
        'len(children)',
        'import signal\nchildren = []\ntry:\n  while True:\n    pid = os.fork()\n    if pid == 0:\n      signal.pause()\n    children.append(pid)\nexcept BlockingIOError:\n  pass',
      )
      assert.ok(Number(stopped) >= LIMITS.processes - 2 && Number(stopped) <= LIMITS.processes)
      assert.equal(await probe.ask('subprocess.getoutput("echo alive")', 'import subprocess'), 'alive')
      server.send({ op: 'kill', id: bomb.id })
      await bomb.exited
    })

    await t.test('a kernel has the user id it was ordered with', { skip: !ownUid }, async () => {
      const run = await server.probe({ uid: 62_999 })
      assert.equal(await run.ask('os.getuid()'), 62_999)
    })
  })
}
