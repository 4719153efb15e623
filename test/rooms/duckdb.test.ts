/** The DuckDB process: its answers, its interruption, its deaths, and that it leaves nothing behind. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { type DuckDb, openDuckDb } from '../../server/stores/duckdb/duckdb.ts'
import { list, literal } from '../../server/stores/duckdb/sql.ts'
import { waitFor } from '../../server/stores/postgres/wait.ts'
import { makeFolder } from '../support/make.ts'

const never = new AbortController().signal

async function open(t: TestContext, memoryBytes = 2 ** 28): Promise<{ duckdb: DuckDb; root: string }> {
  const root = await makeFolder(t)
  const duckdb = await openDuckDb({ root, threads: 2, memoryBytes, temporaryBytes: 2 ** 26 })
  t.after(() => duckdb[Symbol.asyncDispose]())
  return { duckdb, root }
}

const rowsOf = (duckdb: DuckDb, sql: string, signal = never) =>
  duckdb.session(signal, (duck) => duck.rows<Record<string, unknown>>(sql))

/** A query that goes on for minutes. */
const ENDLESS = 'select count(*) from range(1000000) a, range(1000000) b where hash(a.range + b.range) = 1'

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('rows come back as plain values, and a mistake as an error that says what', async (t) => {
  const { duckdb } = await open(t)
  const text = `it's "x"\n${'ü'.repeat(3)}`
  assert.deepEqual(
    await rowsOf(duckdb, `select 9007199254740991 as a, 0.5::double as b, ${literal(text)} as c, null as d`),
    [{ a: Number.MAX_SAFE_INTEGER, b: 0.5, c: text, d: null }],
  )
  assert.deepEqual(await rowsOf(duckdb, `select ${list([1, 2])} as l, {x: 3::bigint} as s`), [
    { l: [1, 2], s: { x: 3 } },
  ])
  await assert.rejects(rowsOf(duckdb, 'select nothing'), /DuckDB: .*nothing/)
})

test('a session keeps its temporary tables to itself', async (t) => {
  const { duckdb } = await open(t)
  const inOwn = (value: number) =>
    duckdb.session(never, async (duck) => {
      await duck.run(`create temp table own as select ${value} as value`)
      return duck.rows<{ value: number }>('select value from own')
    })
  assert.deepEqual(await Promise.all([1, 2, 3].map(inOwn)), [[{ value: 1 }], [{ value: 2 }], [{ value: 3 }]])
  await assert.rejects(rowsOf(duckdb, 'select * from own'), /own does not exist/)
})

test('what is asked can be stopped, and the process goes on', async (t) => {
  const { duckdb } = await open(t)
  await rowsOf(duckdb, 'select 1')
  const { pid } = duckdb
  const stop = new AbortController()
  const asked = rowsOf(duckdb, ENDLESS, stop.signal)
  setImmediate(() => stop.abort(new Error('enough')))
  await assert.rejects(asked, /enough/)
  assert.deepEqual(await rowsOf(duckdb, 'select 1 as a'), [{ a: 1 }])
  assert.equal(duckdb.pid, pid)
})

test('when the process dies the question is refused, and the next one starts another', async (t) => {
  const { duckdb } = await open(t)
  await rowsOf(duckdb, 'select 1')
  const { pid = 0 } = duckdb
  const asked = assert.rejects(rowsOf(duckdb, ENDLESS), /The process that reads telemetry ended \(SIGKILL\)/)
  process.kill(pid, 'SIGKILL')
  await asked
  assert.deepEqual(await rowsOf(duckdb, 'select 1 as a'), [{ a: 1 }])
  assert.notEqual(duckdb.pid, pid)
})

test('nothing is loaded from elsewhere, and no query changes that', async (t) => {
  const { duckdb } = await open(t)
  await assert.rejects(rowsOf(duckdb, `select * from read_parquet('http://127.0.0.1:1/x.parquet')`), /httpfs/)
  await assert.rejects(rowsOf(duckdb, 'set autoinstall_known_extensions = true'), /configuration/i)
})

test('what it puts on disk is bounded, and gone when it is closed', async (t) => {
  const { duckdb, root } = await open(t, 2 ** 26)
  const large = `create temp table large as select hash(range) as h, hash(range + 1) as i from range(100000000)`
  await assert.rejects(
    duckdb.session(never, (duck) => duck.run(large)),
    /DuckDB: .*(?:max_temp_directory_size|Out of Memory)/s,
  )
  assert.deepEqual(await rowsOf(duckdb, 'select 1 as a'), [{ a: 1 }])
  await duckdb[Symbol.asyncDispose]()
  assert.deepEqual(await readdir(root), [])
})

test('it ends with its parent, however that ends', async (t) => {
  const root = await makeFolder(t)
  const program = `
    import { openDuckDb } from ${JSON.stringify(new URL('../../server/stores/duckdb/duckdb.ts', import.meta.url).href)}
    const duckdb = await openDuckDb({ root: ${JSON.stringify(root)}, threads: 1, memoryBytes: 1e8, temporaryBytes: 1e8 })
    await duckdb.session(new AbortController().signal, async (duck) => {
      await duck.run('select 1')
      console.log(duckdb.pid)
      await duck.run(${JSON.stringify(ENDLESS)})
    })`
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said] = await once(parent.stdout, 'data')
  const pid = Number(String(said))
  assert.ok(isAlive(pid))
  parent.kill('SIGKILL')
  await waitFor(async () => (isAlive(pid) ? undefined : true), { limitMs: 20_000, late: () => `${pid} lives on` })
})

test('a CSV file becomes Parquet with the types that are given', async (t) => {
  const { duckdb, root } = await open(t)
  const [csv, parquet] = [join(root, 'a.csv'), join(root, 'a.parquet')]
  await writeFile(csv, `ID,when,"a ""name""",on\nx,5,"say ""hi"",\nyou",1\n,,"",\n`)
  await duckdb.toParquet(
    csv,
    [
      ['ID', 'varchar'],
      ['when', 'bigint'],
      ['a "name"', 'varchar'],
      ['on', 'boolean'],
    ],
    parquet,
    never,
  )
  assert.deepEqual(await rowsOf(duckdb, `select * from ${literal(parquet)}`), [
    { ID: 'x', when: 5, 'a "name"': 'say "hi",\nyou', on: true },
    { ID: null, when: null, 'a "name"': '', on: null },
  ])
})
