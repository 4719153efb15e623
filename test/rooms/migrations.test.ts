/** The migration runner against real databases, with small migrations of the tests' own and once with the real ones. */

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { migrate, readMigrations } from '../../server/stores/postgres/migrate.ts'
import { makeApplication } from '../support/make.ts'
import { openEmptyDatabase, openTestDatabase } from '../support/postgres.ts'

const FIRST = { '0001_devices.sql': `create table devices (id integer primary key); insert into devices values (1);` }
const SECOND = { '0002_names.sql': 'alter table devices add column name text' }

test('our own migrations apply to an empty database, and a second time there is nothing to do', async (t) => {
  const db = await openEmptyDatabase(t)
  const names = (await readMigrations()).map(({ name }) => name)
  assert.deepEqual(await migrate(db), names)
  assert.deepEqual(await migrate(db), [])
})

test('of deliveries from before 0016 only the mails of the last hour count towards the number of an hour', async (t) => {
  const db = await openEmptyDatabase(t)
  const before = (await readMigrations()).filter(({ number }) => number < 16)
  await migrate(db, await makeMigrations(t, Object.fromEntries(before.map(({ name, sql }) => [name, sql]))))
  const { id } = await makeApplication(db)
  const put = (delivery: string, kind: string, age: string) =>
    db.query(
      `insert into deliveries (id, application_id, kind, target, body, created_at)
       values ($1, $2, $3, 'a@example.com', '', clock_timestamp() - $4::interval)`,
      [delivery, id, kind, age],
    )
  await put('old', 'mail', '61 minutes')
  await put('new', 'mail', '59 minutes')
  await put('posted', 'callback', '1 minute')
  await migrate(db)
  const counted = `select delivery_id, delivery_turns.at = created_at as "isThen"
    from delivery_turns join deliveries on deliveries.id = delivery_id`
  assert.deepEqual(await db.query(counted), [{ delivery_id: 'new', isThen: true }])
})

test('a test database has all of them', async (t) => {
  const db = await openTestDatabase(t)
  assert.deepEqual(await migrate(db), [])
})

test('migrations apply in the order of their numbers, and later only the new ones', async (t) => {
  const db = await openEmptyDatabase(t)
  const folder = await makeMigrations(t, { '10_last.sql': 'alter table devices drop column name', ...SECOND, ...FIRST })
  assert.deepEqual(await migrate(db, folder), ['0001_devices.sql', '0002_names.sql', '10_last.sql'])
  await writeFile(join(folder, '11_more.sql'), 'create table more ()')
  assert.deepEqual(await migrate(db, folder), ['11_more.sql'])
})

test('two services that start together apply each migration once', async (t) => {
  const db = await openEmptyDatabase(t)
  const folder = await makeMigrations(t, { ...FIRST, ...SECOND })
  const applied = await Promise.all([migrate(db, folder), migrate(db, folder), migrate(db, folder)])
  assert.deepEqual(applied.flat().sort(), ['0001_devices.sql', '0002_names.sql'])
})

test('who starts beside a long migration waits for it, with a limit that is not that of its tables', async (t) => {
  const db = await openEmptyDatabase(t)
  const seen = `create table seen as select current_setting('lock_timeout') as "limit"`
  const folder = await makeMigrations(t, { '0001_seen.sql': seen })
  {
    await using other = await db.connect()
    await other.query('select pg_advisory_lock(3405691582)')
    await assert.rejects(migrate(db, folder, 50), /Another process has been migrating .* more than 0\.05 seconds/)
  }
  await migrate(db, folder, 120_000)
  assert.deepEqual(await db.query('select * from seen'), [{ limit: '1min' }])
})

test('a migration that fails leaves nothing of itself and names itself, and the ones before it stay', async (t) => {
  const db = await openEmptyDatabase(t)
  const folder = await makeMigrations(t, { ...FIRST, '0002_bad.sql': 'create table half (); select 1/0' })
  await assert.rejects(migrate(db, folder), /The migration 0002_bad\.sql failed and was rolled back: division by zero/)
  assert.deepEqual(await db.one(`select to_regclass('half') as half, to_regclass('devices')::text as devices`), {
    half: null,
    devices: 'devices',
  })
  await writeFile(join(folder, '0002_bad.sql'), 'create table whole ()')
  assert.deepEqual(await migrate(db, folder), ['0002_bad.sql'])
})

test('a migration that has changed since it was applied is refused by name', async (t) => {
  const db = await openEmptyDatabase(t)
  const folder = await makeMigrations(t, FIRST)
  await migrate(db, folder)
  await writeFile(join(folder, '0001_devices.sql'), 'create table devices (id bigint primary key)')
  await assert.rejects(migrate(db, folder), /The migration 0001_devices\.sql has changed since it was applied/)
})

test('a database from a newer version is refused', async (t) => {
  const db = await openEmptyDatabase(t)
  await migrate(db, await makeMigrations(t, { ...FIRST, ...SECOND }))
  await assert.rejects(migrate(db, await makeMigrations(t, FIRST)), /0002_names\.sql, which this version does not know/)
})

test('a migration that comes late, before one already applied, is refused', async (t) => {
  const db = await openEmptyDatabase(t)
  const folder = await makeMigrations(t, { '0005_devices.sql': FIRST['0001_devices.sql'] })
  await migrate(db, folder)
  await writeFile(join(folder, '0002_names.sql'), SECOND['0002_names.sql'])
  await assert.rejects(migrate(db, folder), /0002_names\.sql comes before number 5/)
})

test('two files of one number, and a file without a number, are refused before anything is applied', async (t) => {
  await assert.rejects(
    readMigrations(await makeMigrations(t, { '0001_a.sql': '', '01_b.sql': '' })),
    /0001_a\.sql and 01_b\.sql have the same number/,
  )
  await assert.rejects(
    readMigrations(await makeMigrations(t, { 'devices.sql': '' })),
    /devices\.sql must be named like/,
  )
})

async function makeMigrations(t: TestContext, files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fieldbook-migrations-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  for (const [name, sql] of Object.entries(files)) await writeFile(join(folder, name), sql)
  return folder
}
