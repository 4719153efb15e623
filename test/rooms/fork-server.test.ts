/**
 * The life of forked children: how their ends are told, that nothing outlives them, and that one that fails to start is
 * reported while the fork server works on. What they are shut into is in `fork-server-inside.test.ts`.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openCgroup } from '../../server/sandbox/cgroup.ts'
import { findCgroupPlace } from '../../server/sandbox/cgroup-place.ts'
import { DEFAULT_LIMITS } from '../../server/sandbox/spec.ts'
import { HOME, LIMITS, openTestForkServer, type TestForkServer } from '../support/fork-server.ts'
import { LANDLOCKED, NAMESPACED } from '../support/fork-ways.ts'

/** Leaves the parent twice and the session as well, and keeps the run's socket open: the socket's end is the daemon's end. */
const DAEMON = `
import signal
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        while True:
            signal.pause()
    os._exit(0)
os.wait()
`

const childrenOf = (pid: number) =>
  readdirSync('/proc').filter((name) => {
    try {
      return (
        /^\d+$/.test(name) && Number(readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]?.split(' ')[1]) === pid
      )
    } catch {
      return false
    }
  })

/** What a fork server has open, mounted and running. */
async function holdings({ up }: TestForkServer) {
  const pid = Number(up['rootPid'])
  const mounts = await readFile(`/proc/${pid}/mountinfo`, 'utf8')
  const groups = {
    descriptors: await readdir(`/proc/${pid}/fd`),
    mounts: mounts.split('\n'),
    children: childrenOf(pid),
  }
  return Object.fromEntries(Object.entries(groups).map(([name, list]) => [name, list.length]))
}

for (const { name, options } of [
  ...NAMESPACED,
  ...LANDLOCKED.map((way) => ({ ...way, name: `without namespaces, ${way.name}` })),
]) {
  test(`forked children ${name}`, async (t) => {
    await using server = await openTestForkServer(options)

    await t.test('an end is told as it was: by itself, by a signal to itself, by a fault', async () => {
      const ends = [
        ['os._exit(3)', 3 << 8],
        ['os.kill(os.getpid(), 9)', 9],
        ['import ctypes; ctypes.string_at(0)', 11],
        ['os._exit(0)', 0],
      ] as const
      for (const [statements, status] of ends) {
        const run = await server.probe()
        run.tell(statements)
        assert.equal((await run.exited)['status'], status, statements)
      }
    })

    await t.test('what a run has used is told with its end', async () => {
      const run = await server.probe()
      await run.ask('len(bytearray(100 << 20))')
      run.tell('os._exit(0)')
      const { utime, stime, maxrssBytes } = await run.exited
      assert.ok(Number(maxrssBytes) > 100 << 20)
      assert.ok(Number(utime) + Number(stime) > 0)
    })

    await t.test('a signal reaches the kernel and what it waits for', async () => {
      const run = await server.probe()
      const started =
        'import subprocess\nconnection.send(b\'{"value": "waiting"}\\n\')\nsubprocess.run(["sleep", "1000"])'
      assert.equal(await run.ask('None', started), 'waiting')
      server.send({ op: 'signal', id: run.id, signal: 2 })
      await assert.rejects(run.ask('1'), /KeyboardInterrupt/)
      assert.equal(await run.ask('2'), 1) // answers come one later from here on
      server.send({ op: 'kill', id: run.id })
      await run.exited
    })

    await t.test('nothing outlives the kernel, however it has left its parents', async () => {
      const run = await server.probe()
      await run.ask('None', DAEMON)
      run.tell('os._exit(0)')
      assert.equal((await run.exited)['status'], 0)
      await run.hungUp
    })

    await t.test('kill is for everything, and for nobody else', async () => {
      const [run, neighbour] = await Promise.all([server.probe(), server.probe()])
      await run.ask('None', DAEMON)
      server.send({ op: 'kill', id: run.id })
      assert.equal((await run.exited)['status'], 9)
      await run.hungUp
      assert.equal(await neighbour.ask('6 * 7'), 42)
      server.send({ op: 'kill', id: neighbour.id })
      await neighbour.exited
    })

    await t.test('a fork bomb ends with its run', async () => {
      const run = await server.probe()
      run.tell('import signal\nwhile True:\n  try:\n    os.fork()\n  except OSError:\n    pass')
      const neighbour = await server.probe()
      server.send({ op: 'kill', id: run.id })
      await run.exited
      await run.hungUp
      server.send({ op: 'kill', id: neighbour.id })
      await neighbour.exited
    })

    await t.test('siblings share no randomness', async () => {
      const drawn =
        'random.random(), str(uuid.uuid4()), secrets.token_hex(), next(tempfile._get_candidate_names()), multiprocessing.current_process().authkey.hex()'
      const imports = 'import random, uuid, secrets, tempfile, multiprocessing'
      const numpy = '*([sys.modules["numpy"].random.random()] if "numpy" in sys.modules else [])'
      const [one, two] = await Promise.all([server.probe(), server.probe()])
      const a = await one.ask(`[${drawn}, ${numpy}]`, imports)
      const b = await two.ask(`[${drawn}, ${numpy}]`, imports)
      assert.ok(Array.isArray(a) && Array.isArray(b))
      for (const [index, value] of a.entries()) assert.notEqual(value, b[index])
      for (const { id } of [one, two]) server.send({ op: 'kill', id })
      await Promise.all([one.exited, two.exited])
    })

    await t.test('a run that can’t be started is reported with the reason, and the next one starts', async () => {
      const isRoot = options.asUser === undefined && process.getuid?.() === 0
      await assert.rejects(server.probe({ groups: ['/nowhere/group'] }), /nowhere/)
      await assert.rejects(server.probe({ uid: isRoot ? null : 62_998 }), /user id/)
      await assert.rejects(server.probe({ limits: { openFiles: -5 } }), /ValueError|OSError/)
      server.send({ op: 'spawn', id: 'x' })
      assert.match(String((await server.event(({ id }) => id === 'x'))['why']), /limits/)
      server.send({ op: 'spawn', id: '../x', limits: LIMITS })
      assert.match(String((await server.event(({ id }) => id === '../x'))['why']), /no id/)
      for (const op of ['kill', 'signal', 'forget', 'unheard']) server.send({ op, id: 'nobody', signal: 2 })
      const run = await server.probe()
      server.send({ op: 'kill', id: run.id })
      await run.exited
    })

    // Without namespaces the end of a run is a search through all processes, 50 ms of a busy machine.
    const rounds = options.level === 1 ? 3 : 10
    await t.test(`${rounds * 10} runs leave no descriptor, mount or process`, async () => {
      for (const run of await Promise.all([1, 2, 3, 4].map(() => server.probe()))) {
        server.send({ op: 'kill', id: run.id })
        await run.exited
        server.send({ op: 'forget', id: run.id })
      }
      const settled = await server.probe()
      const before = await holdings(server)
      for (let round = 0; round < rounds; round += 1) {
        const runs = await Promise.all(Array.from({ length: 10 }, () => server.probe()))
        for (const { id } of runs) server.send({ op: 'kill', id })
        for (const { id, exited } of runs) {
          await exited
          server.send({ op: 'forget', id })
        }
      }
      // Orders are taken one after the other, so that the answer to this one says that all before it are done.
      await assert.rejects(server.probe({ groups: ['/nowhere/group'] }))
      assert.deepEqual(await holdings(server), before)
      server.send({ op: 'kill', id: settled.id })
    })

    for (const [how, end] of [
      ['is killed', (dying: TestForkServer) => dying.process.kill('SIGKILL')],
      ['loses its service', (dying: TestForkServer) => dying.process.stdio[3]?.destroy()],
    ] as const) {
      await t.test(`when the fork server ${how}, all that it has started dies`, async () => {
        await using dying = await openTestForkServer(options)
        const runs = await Promise.all([dying.probe(), dying.probe()])
        await runs[0].ask('None', DAEMON)
        end(dying)
        await Promise.all(runs.map(({ hungUp }) => hungUp))
      })
    }
  })
}

for (const { name, options } of NAMESPACED) {
  test(`the first process of a run holds nothing of the fork server’s, ${name}`, async () => {
    await using server = await openTestForkServer(options)
    const run = await server.probe()
    const comm = (pid: string) => readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
    const firsts = childrenOf(Number(server.up['rootPid'])).filter((pid) => comm(pid) === 'cat')
    assert.equal(firsts.length, 1)
    assert.deepEqual(await readdir(`/proc/${firsts[0]}/fd`), ['0', '1', '2'])
    server.send({ op: 'kill', id: run.id })
  })
}

for (const { name, options } of NAMESPACED) {
  test(`OUTPUT_DIR is read from outside, also when the run is gone, and no link in it is followed, ${name}`, async () => {
    await using server = await openTestForkServer(options)
    const run = await server.probe()
    const made =
      'open("/out/result.txt", "w").write("42"); os.symlink("/etc/passwd", "/out/link"); os.symlink("/", "/out/folder")'
    assert.equal(await run.ask('open("/out/link").readline()[:4]', made), 'root')
    run.tell('os._exit(0)')
    await run.exited
    const outside = `/proc/${server.up['rootPid']}/root/.out/${run.id}`
    assert.deepEqual((await readdir(outside)).sort(), ['folder', 'link', 'result.txt'])
    assert.equal(await readFile(join(outside, 'result.txt'), 'utf8'), '42')
    await assert.rejects(readdir(join(outside, 'folder')), { code: 'ELOOP' })
    server.send({ op: 'forget', id: run.id })
    await assert.rejects(server.probe({ groups: ['/nowhere/group'] })) // orders are taken one after the other
    await assert.rejects(readdir(outside), { code: 'ENOENT' })
  })
}

test('paths may be long, have spaces, and lie below the run’s own places', async () => {
  const base = await mkdtemp(join(tmpdir(), 'fb fork '))
  const host = join(base, 'a long name with spaces '.repeat(8).trim(), 'deeper '.repeat(10).trim())
  const file = join(base, 'some file')
  await writeFile(file, 'shown')
  await mkdir(join(base, 'folder'))
  try {
    await using server = await openTestForkServer({
      host,
      mounts: [
        { source: file, target: `${HOME}/.config/shown` },
        { source: file, target: '/tmp/made/of/shown' },
        { source: join(base, 'folder'), target: '/opt/some folder' },
        { source: file, target: '/opt/other/shown' },
      ],
    })
    const run = await server.probe()
    for (const path of [`${HOME}/.config/shown`, '/tmp/made/of/shown', '/opt/other/shown']) {
      assert.equal(await run.ask(`open("${path}").read()`), 'shown')
      await assert.rejects(run.ask(`open("${path}", "a")`), /Error/)
    }
    await run.ask('None', `open("${HOME}/.config/mine", "w").close()`)
    assert.deepEqual(await run.ask('os.listdir("/opt/some folder")'), [])
  } finally {
    await rm(base, { recursive: true })
  }
})

test('a fork server that can’t make its root says why', async () => {
  const missing = { source: '/no/such/folder', target: '/opt/x' }
  await assert.rejects(openTestForkServer({ mounts: [missing] }), /\/no\/such\/folder/)
})

test('a run joins its control groups before anything else, with all it starts', async (t) => {
  const place = await findCgroupPlace(DEFAULT_LIMITS)
  if (!place) return t.skip('control groups can’t be made here')
  const places = [place.memory, place.pids, place.cpu, place.cpuacct, place.freezer].filter((p) => p !== undefined)
  await using server = await openTestForkServer({ cgroups: [...new Set(places)] })
  const group = await openCgroup(place, { ...DEFAULT_LIMITS, memoryBytes: 64 << 20 })
  try {
    const run = await server.probe({ groups: group.folders })
    for (const procs of group.procs) assert.match(await readFile(procs, 'utf8'), /^\d+\n$/)
    run.tell('bytearray(200 << 20)')
    assert.equal((await run.exited)['status'], 9)
    assert.equal(await group.oomKills(), 1)
  } finally {
    await group.remove()
  }
})
