/** Taking files out of OUTPUT_DIR, where a notebook may have left anything: only plain files with one name are taken. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { link, mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import test from 'node:test'
import { promisify } from 'node:util'
import { collectFile } from '../../server/executions/outputs/collect.ts'
import { makeFolder } from '../support/make.ts'

const traps: [string, (path: string, folder: string) => Promise<unknown>, RegExp][] = [
  ['nothing', async () => {}, /"trap" was not found; the notebook must write it to OUTPUT_DIR/],
  ['a link to a file of the machine', (path) => symlink('/etc/hostname', path), /symbolic link/],
  ['a link to a plain file', (path, folder) => symlink(join(folder, 'plain'), path), /symbolic link/],
  ['a link to nowhere', (path) => symlink('/nowhere', path), /symbolic link/],
  ['a second name of a file', (path, folder) => link(join(folder, 'plain'), path), /hard link/],
  ['a directory', (path) => mkdir(path), /is a directory/],
  ['a pipe nobody writes to', (path) => promisify(execFile)('mkfifo', [path]), /not a plain file/],
]
for (const [what, set, reason] of traps) {
  test(`${what} is not taken for a file`, async (t) => {
    const folder = await makeFolder(t)
    await writeFile(join(folder, 'plain'), 'text')
    await set(join(folder, 'trap'), folder)
    // A missing file is told apart: the cause of the run's end is then OutputMissing, not OutputRejected.
    const kind = what === 'nothing' ? 'notFound' : 'invalid'
    await assert.rejects(collectFile(folder, 'trap'), { kind, message: reason })
  })
}

test('a socket is not taken for a file', async (t) => {
  const folder = await makeFolder(t)
  const server = createServer().listen(join(folder, 'trap'))
  t.after(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  await assert.rejects(collectFile(folder, 'trap'), { kind: 'invalid', message: /pipe or socket/ })
})

test('the file that was looked at is the one that is read, whatever its name names later', async (t) => {
  const folder = await makeFolder(t)
  await writeFile(join(folder, 'a'), 'first')
  await writeFile(join(folder, 'b'), 'second one')
  await using file = await collectFile(folder, 'a')
  await rename(join(folder, 'b'), join(folder, 'a'))
  assert.equal(file.sizeBytes, 5)
  assert.equal(await readFile(file.path, 'utf8'), 'first')
})
