/**
 * Names that flip: public when they are looked at, and the machine itself or a cloud's metadata a moment later. The guard
 * runs as it does in the service, with the system's own resolver, which in this test's network asks a server of the test.
 */

import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { makeFolder } from '../support/make.ts'

const MAIN = fileURLToPath(new URL('../support/outgoing-main.ts', import.meta.url))

/** A network with nothing but loopback, on which a public network and the address of metadata are served as well. */
const ENTER = ['--map-root-user', '--net', '--mount']
const PREPARE =
  'ip link set lo up && ip route add local 93.184.216.0/24 dev lo && ip route add local 169.254.169.254/32 dev lo'

function whyNot(): string | false {
  try {
    execFileSync('unshare', [...ENTER, 'sh', '-c', `${PREPARE} && test -e /etc/resolv.conf`], { stdio: 'pipe' })
    return false
  } catch {
    return 'no network namespace can be made here, or there is no iproute2'
  }
}

test('a connection goes to the address that was checked, whatever its name says next', {
  timeout: 60_000,
  skip: whyNot(),
}, async (t) => {
  const folder = await makeFolder(t)
  const resolver = join(folder, 'resolv.conf')
  await writeFile(resolver, 'nameserver 127.0.0.1\noptions timeout:5 attempts:2\n')
  const script = `${PREPARE} && mount --bind "$1" /etc/resolv.conf && exec "$2" "$3" "$4"`
  const { stdout } = await promisify(execFile)('unshare', [
    ...[...ENTER, 'sh', '-c', script, 'sh'],
    ...[resolver, process.execPath, MAIN, folder],
  ])
  const { said, reached, asked } = JSON.parse(stdout)

  assert.equal(said.control, '127.0.0.1', 'without the guard the flip gets inside')
  assert.equal(said.first, '93.184.216.34')
  assert.match(said.second, /^http:\/\/flips\.example is at a private address/)
  assert.equal(said.metadataFirst, '93.184.216.34')
  assert.match(said.metadataSecond, /^http:\/\/metadata\.example is at a private address/)
  assert.equal(said.callbackFirst, 'sent')
  assert.match(said.callbackSecond, /^http:\/\/callback\.example is at a private address/)
  assert.match(said.both, /^http:\/\/both\.example is at a private address/)
  assert.match(said.redirectByName, /^http:\/\/inner\.example is at a private address/)
  assert.match(said.redirectThatFlips, /^http:\/\/hops\.example is at a private address/)

  assert.deepEqual(
    reached.filter((one: string) => !one.startsWith('93.184.216.34 ')),
    ['127.0.0.1 for control.example'],
    'nothing but the control got inside',
  )
  // Looked up once for each connection, so there is no second answer that could differ from the checked one.
  const times = (name: string) => asked.filter((one: string) => one === name).length
  assert.deepEqual([times('flips.example'), times('metadata.example'), times('callback.example')], [2, 2, 2])
  assert.deepEqual([times('hops.example'), times('control.example')], [2, 2])
})
