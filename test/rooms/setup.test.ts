// The set-up as a program: what it installs, says and hands on. A stand-in plays npm; the real downloads are tried by
// every clean clone.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { ended, makeRepository, says } from './setup-fixture.ts'

const finish = 'cp installed.json node_modules/.package-lock.json; echo installed >> calls'
// A named pipe holds npm until the test writes to it; the shell reads it itself, so that no child outlives it.
const waitThenFinish = `read -r word < go; ${finish}`

test('a task runs its commands once everything is there, and a second run installs nothing', async () => {
  await using repository = await makeRepository(finish)
  const first = await repository.run('check')
  assert.equal(first.code, 0, first.error)
  assert.match(first.out, /types are fine\nstyle is fine\ngenerated files are fine/)
  assert.match(first.error, /\[1\/2\] packages: npm ci, 1 packages …\n\[1\/2\] packages: installed/)
  const second = await repository.run('check')
  assert.deepEqual([second.code, second.error], [0, ''])
  assert.equal(await repository.read('calls'), 'installed\n')
})

test("a changed lock file is installed, and somebody's own npm ci is accepted", async () => {
  await using repository = await makeRepository(finish)
  await repository.run('check')
  await repository.put('package-lock.json', '{"packages":{"":{},"node_modules/a":{"version":"2.0.0"}}}')
  await repository.put('installed.json', '{"packages":{"node_modules/a":{"version":"2.0.0"}}}')
  await repository.run('check')
  assert.equal(await repository.read('calls'), 'installed\ninstalled\n')
  await repository.put('package-lock.json', '{"packages":{"":{},"node_modules/a":{"version":"3.0.0"}}}')
  await repository.put('node_modules/.package-lock.json', '{"packages":{"node_modules/a":{"version":"3.0.0"}}}')
  await repository.run('check')
  assert.equal(await repository.read('calls'), 'installed\ninstalled\n')
})

test('the exit code of a failing command is that of the task, and nothing runs after it', async () => {
  await using repository = await makeRepository(finish)
  await repository.put('node_modules/@biomejs/biome/bin/biome', 'process.exit(3)')
  const { code, out } = await repository.run('check')
  assert.equal(code, 3)
  assert.equal(out, 'types are fine\n')
})

test('an unreachable registry is told with the step, the reason and what to do, and a later run carries on', async () => {
  await using repository = await makeRepository('echo "npm error request failed, reason: ECONNREFUSED" >&2; exit 1')
  const { code, out, error } = await repository.run('check')
  assert.equal(code, 1)
  assert.equal(out, '')
  assert.match(error, /stopped at step 1 of 2, packages/)
  assert.match(error, /Why: +The npm registry could not be reached\.\n +request failed, reason: ECONNREFUSED/)
  assert.match(error, /What to do: .*registry/)
  await repository.put('tools/npm', `#!/bin/sh\n${finish}`)
  assert.equal((await repository.run('check')).code, 0)
})

test('a package that npm silently left out is named', async () => {
  await using repository = await makeRepository(finish)
  await repository.put('installed.json', '{"packages":{}}')
  const { code, error } = await repository.run('check')
  assert.equal(code, 1)
  assert.match(error, /npm left out a\./)
})

test('a second set-up waits for the first, says so, and installs nothing itself', async () => {
  await using repository = await makeRepository(waitThenFinish)
  const go = makePipe(repository.root)
  const first = repository.start('check')
  const firstEnd = ended(first)
  await says(first, 'npm ci')
  const second = repository.start('check')
  const secondEnd = ended(second)
  await says(second, `Another set-up is running (process ${first.pid})`)
  await writeFile(go, '\n')
  assert.deepEqual([(await firstEnd).code, (await secondEnd).code], [0, 0])
  assert.equal(await repository.read('calls'), 'installed\n')
})

test('a set-up after a killed one ends what that left running and installs again', async () => {
  await using repository = await makeRepository(waitThenFinish)
  makePipe(repository.root)
  const killed = repository.start('check')
  await says(killed, 'npm ci')
  killed.kill('SIGKILL')
  await once(killed, 'exit')
  await repository.put('tools/npm', `#!/bin/sh\n${finish}`)
  const { code, error } = await repository.run('check')
  assert.equal(code, 0, error)
  assert.equal(await repository.read('calls'), 'installed\n')
})

test('the lock of a process that no longer exists holds nobody up', async () => {
  await using repository = await makeRepository(finish)
  // Our own id with another start time: a number that was given to somebody else after a restart.
  await repository.put('.fieldbook/setup.lock', `${process.pid} 1`)
  const { code, error } = await repository.run('check')
  assert.equal(code, 0, error)
  assert.doesNotMatch(error, /Another set-up/)
})

test('SIGTERM is passed on to the running command, whose exit code is kept', async () => {
  await using repository = await makeRepository(finish)
  await repository.put(
    'cli/check-generated.ts',
    `process.on('SIGTERM', () => process.exit(7)); setInterval(() => {}, 1000); console.error('up')`,
  )
  const task = repository.start('check')
  const end = ended(task)
  await says(task, 'up')
  task.kill('SIGTERM')
  assert.equal((await end).code, 7)
})

test('an unknown task is refused with the names of the known ones', async () => {
  await using repository = await makeRepository(finish)
  const { code, error } = await repository.run('toString')
  assert.equal(code, 2)
  assert.match(error, /There are: setup, start, fieldbook, demo, test, check, audit, bench, soak\./)
})

function makePipe(root: string): string {
  const path = join(root, 'go')
  execFileSync('mkfifo', [path])
  return path
}
