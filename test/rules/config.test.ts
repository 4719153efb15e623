/** Settings: defaults, units, every problem told at once, and no secret in what is told. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { ConfigError, readConfig } from '../../server/ground/config.ts'
import { envExample, SETTINGS } from '../../server/ground/settings.ts'

test('an empty environment gives the defaults', () => {
  const config = readConfig({}, '/srv')
  assert.deepEqual(config.http, {
    host: '127.0.0.1',
    port: 8410,
    publicUrl: undefined,
    bodyBytes: 10_000_000,
    notebookBytes: 32_000_000,
  })
  assert.deepEqual([config.dataDir, config.databaseUrl], ['/srv/data', undefined])
  assert.deepEqual(config.sandbox, { mode: 'on' })
  assert.deepEqual([config.limits.memoryBytes, config.limits.outputBytes], [2 ** 31, 2 ** 30])
  assert.deepEqual([config.limits.cores, config.limits.cellSeconds, config.limits.silenceSeconds], [0, 0, 0])
  assert.deepEqual([config.urls.ttlMs, config.ingest.maxAgeMs], [7 * 86_400_000, undefined])
  assert.equal(config.limits.runMinutes, 60)
  const { notebooks, minutesPerMonth, parallelExecutions, queuedExecutions, total } = config.limits
  assert.deepEqual([notebooks, minutesPerMonth, parallelExecutions, queuedExecutions], [0, 0, 0, 10_000])
  assert.deepEqual(total, { notebooks: 0, minutesPerMonth: 0, parallelExecutions: 0, queuedExecutions: 0 })
  assert.equal(config.logs.ageMs, 90 * 86_400_000)
  assert.ok(config.worker.slots >= 1)
})

test('empty and blank values count as left out', () => {
  assert.deepEqual(readConfig({ FIELDBOOK_PORT: '', FIELDBOOK_HOST: '  ' }, '/srv'), readConfig({}, '/srv'))
})

test('the configuration cannot be changed afterwards', () => {
  const config = readConfig({}, '/srv')
  assert.ok(Object.isFrozen(config) && Object.values(config).every((part) => Object.isFrozen(part)))
})

const sizes: [string, number][] = [
  ['1024', 1024],
  ['1B', 1],
  ['1.5KB', 1500],
  ['2 MB', 2e6],
  ['1GB', 1e9],
  ['1KiB', 1024],
  ['1.5MiB', 1_572_864],
  ['1GiB', 2 ** 30],
]
const durations: [string, number][] = [
  ['250ms', 250],
  ['1.5s', 1500],
  ['15m', 900_000],
  ['2 h', 7_200_000],
  ['30d', 2_592_000_000],
]
test('sizes and durations are written with a unit', () => {
  for (const [text, expected] of sizes) {
    assert.equal(readConfig({ FIELDBOOK_RUN_MEMORY: text }, '/').limits.memoryBytes, expected, text)
  }
  for (const [text, expected] of durations) {
    assert.equal(readConfig({ FIELDBOOK_URL_TTL: text }, '/').urls.ttlMs, expected, text)
    assert.equal(readConfig({ FIELDBOOK_INGEST_MAX_AGE: text }, '/').ingest.maxAgeMs, expected, text)
  }
})

const refused: [string, string][] = [
  ['FIELDBOOK_PORT', '65536'],
  ['FIELDBOOK_PORT', '80.5'],
  ['FIELDBOOK_PORT', 'http'],
  ['FIELDBOOK_SLOTS', '-1'],
  ['FIELDBOOK_RUN_MINUTES', '0'],
  ['FIELDBOOK_RUN_MINUTES', 'NaN'],
  ['FIELDBOOK_SANDBOX', 'no'],
  ['FIELDBOOK_SANDBOX', 'OFF'],
  ['FIELDBOOK_LOG_LEVEL', 'loud'],
  ['FIELDBOOK_RUN_MEMORY', '4'.repeat(400)],
  ['FIELDBOOK_RUN_MEMORY', '4 elephants'],
  ['FIELDBOOK_RUN_MEMORY', '4gb'],
  ['FIELDBOOK_RUN_MEMORY', '-4GB'],
  ['FIELDBOOK_RUN_MEMORY', '1e3MB'],
  ['FIELDBOOK_RUN_MEMORY', '4constructor'],
  ['FIELDBOOK_URL_TTL', '7'],
  ['FIELDBOOK_URL_TTL', '7toString'],
  ['FIELDBOOK_PUBLIC_URL', 'example.com'],
  ['FIELDBOOK_PUBLIC_URL', 'ftp://example.com'],
  ['FIELDBOOK_ADMIN_PASSWORD', '1234567'],
  ['DATABASE_URL', 'localhost:5432'],
]
for (const [name, value] of refused) {
  test(`${name}=${value.slice(0, 30)} is refused by name`, () => {
    assert.throws(
      () => readConfig({ [name]: value }, '/'),
      (error) => error instanceof ConfigError && error.message.includes(`${name}=`),
    )
  })
}

test('all problems are told at once, with value and expectation, secrets without their value', () => {
  const env = {
    FIELDBOOK_PORT: 'http',
    FIELDBOOK_SANDBOX: 'perhaps',
    FIELDBOOK_ADMIN_PASSWORD: 'hunter2',
    DATABASE_URL: 'mysql://u:hunter3@h/d',
  }
  assert.throws(
    () => readConfig(env, '/'),
    (error) => {
      assert.ok(error instanceof ConfigError)
      assert.match(error.message, /FIELDBOOK_PORT=http: expected a number from 0 to 65535/)
      assert.match(error.message, /FIELDBOOK_SANDBOX=perhaps: expected on, landlock or off/)
      assert.match(error.message, /FIELDBOOK_ADMIN_PASSWORD=\*\*\*: expected at least 8 characters/)
      assert.match(error.message, /DATABASE_URL=\*\*\*: expected a postgres:\/\/ URL/)
      assert.doesNotMatch(error.message, /hunter/)
      return true
    },
  )
})

test('a public URL loses its slash at the end, a relative folder starts at the root', () => {
  const env = { FIELDBOOK_PUBLIC_URL: 'https://example.com/fieldbook/', FIELDBOOK_DATA_DIR: 'here' }
  const config = readConfig(env, '/srv/app')
  assert.equal(config.http.publicUrl, 'https://example.com/fieldbook')
  assert.equal(config.dataDir, '/srv/app/here')
})

test('every setting is explained in .env.example, and each default is taken', () => {
  const example = envExample()
  const names = Object.values(SETTINGS).map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
  for (const { name, default: value } of Object.values(SETTINGS)) assert.ok(example.includes(`\n#${name}=${value}\n`))
  const env = Object.fromEntries(Object.values(SETTINGS).map((setting) => [setting.name, setting.default]))
  assert.deepEqual(readConfig(env, '/srv'), readConfig({}, '/srv'))
})

test('who may be mailed is a list of addresses and domains', () => {
  const receivers = (text: string) => readConfig({ FIELDBOOK_MAIL_TO: text }, '/').outgoing.mailLimit.receivers
  assert.deepEqual(receivers(''), [])
  assert.deepEqual(receivers('Ann@Example.com, @ours.org'), ['ann@example.com', '@ours.org'])
  for (const wrong of ['example.com', 'ann@', 'a@b@c', '@ours.org,ours'])
    assert.throws(() => receivers(wrong), /FIELDBOOK_MAIL_TO/, wrong)
  assert.equal(readConfig({}, '/').outgoing.mailLimit.perHour, 100)
})
