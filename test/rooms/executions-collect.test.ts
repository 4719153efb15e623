/** Taking files out of OUTPUT_DIR, where a notebook may have left anything: only plain files with one name are taken. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { link, mkdir, readFile, rename, symlink, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { collectFile } from '../../server/executions/outputs/collect.ts'
import { collectTree } from '../../server/executions/outputs/collect-tree.ts'
import { createQuota } from '../../server/executions/outputs/quota.ts'
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

/** What was taken of the directory `top`; contents as text. */
async function takeTree(folder: string, limits: { maxBytes?: number; maxEntries?: number } = {}) {
  const quota = createQuota({ maxBytes: 1e9, maxEntries: 1000, ...limits })
  const keep = (_path: string, file: { path: string }) => readFile(file.path, 'utf8')
  const { directories, files, rejected } = await collectTree(folder, 'top', {
    keep,
    quota,
    signal: new AbortController().signal,
  })
  return { directories, files: Object.fromEntries(files.map(({ path, kept }) => [path, kept])), rejected }
}

/** A folder with a directory `top` of these files; a name that ends with a slash is an empty folder. */
async function makeTree(t: TestContext, ...paths: string[]): Promise<string> {
  const folder = await makeFolder(t)
  await mkdir(join(folder, 'top'))
  for (const path of paths) {
    const whole = join(folder, 'top', path)
    await mkdir(path.endsWith('/') ? whole : dirname(whole), { recursive: true })
    if (!path.endsWith('/')) await writeFile(whole, path)
  }
  return folder
}

test('a directory is taken with everything in it, empty folders and unusual names included', async (t) => {
  const names = [
    'a.txt',
    'b/c/d.txt',
    'b/e.txt',
    ' ',
    '-rf',
    'CON',
    '...',
    'Zürich 雨 😀.csv',
    'A.TXT',
    '$(reboot)',
    '{{x}}',
  ]
  const { directories, files, rejected } = await takeTree(await makeTree(t, ...names, 'empty/', 'b/also empty/'))
  assert.deepEqual(files, Object.fromEntries(names.map((name) => [name, name])))
  assert.deepEqual(directories, ['b', 'b/also empty', 'b/c', 'empty'])
  assert.deepEqual(rejected, { told: [], count: 0 })
})

test('of a directory everything that is no plain file is left out by name, and the rest taken', async (t) => {
  const folder = await makeTree(t, 'good.txt', 'in/good.txt')
  const at = (name: string) => join(folder, 'top', name)
  await symlink('/etc/hostname', at('absolute'))
  await symlink('good.txt', at('relative'))
  await symlink('/etc', at('in/folder'))
  await symlink('/nowhere', at('in/dangling'))
  await writeFile(join(folder, 'outside'), 'outside')
  await link(join(folder, 'outside'), at('in/hard'))
  await promisify(execFile)('mkfifo', [at('pipe')])
  const server = createServer().listen(at('socket'))
  t.after(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const { directories, files, rejected } = await takeTree(folder)
  assert.deepEqual([directories, files], [['in'], { 'good.txt': 'good.txt', 'in/good.txt': 'in/good.txt' }])
  assert.deepEqual(rejected.told.map((why) => why.replace(/; only.*/, '')).sort(), [
    '"absolute": it is a symbolic link',
    '"in/dangling": it is a symbolic link',
    '"in/folder": it is a symbolic link',
    '"in/hard" is a hard link',
    '"pipe": it is a pipe, socket or device',
    '"relative": it is a symbolic link',
    '"socket": it is a pipe, socket or device',
  ])
  assert.equal(rejected.count, 7)
})

test('names that lie about themselves are left out of a directory, and told so that they no longer do', async (t) => {
  const folder = await makeTree(t, 'good.txt', 'back\\slash', 'new\nline', '\u001b[2J', '\u202ecod.exe')
  await writeFile(Buffer.concat([Buffer.from(`${folder}/top/`), Buffer.from([0x61, 0xff])]), 'x')
  const { files, rejected } = await takeTree(folder)
  assert.deepEqual(files, { 'good.txt': 'good.txt' })
  const why = 'its name has control characters, a backslash, or characters that turn the direction of text'
  assert.deepEqual([...rejected.told].sort(), [
    `"\\u001b[2J": ${why}`,
    `"\\u202ecod.exe": ${why}`,
    '"a\uFFFD": its name is not UTF-8',
    `"back\\slash": ${why}`,
    `"new\\u000aline": ${why}`,
  ])
})

test('a directory has a bound of bytes, of entries and of depth, and keeps what is within', async (t) => {
  const folder = await makeTree(t, 'a', 'b', 'c')
  await truncate(join(folder, 'top', 'b'), 2 ** 40)
  const sized = await takeTree(folder, { maxBytes: 10 })
  assert.deepEqual(sized.files, { a: 'a', c: 'c' })
  assert.match(
    sized.rejected.told[0] ?? '',
    /^"b": with it the outputs would have more than 10 bytes \(FIELDBOOK_OUTPUT_SIZE\)$/,
  )

  const crowded = await takeTree(await makeTree(t, 'a', 'b', 'c', 'd'), { maxEntries: 2 })
  assert.equal(Object.keys(crowded.files).length, 2)
  assert.match(crowded.rejected.told[0] ?? '', /^the directory has more than the 2 files and folders allowed/)

  const deep = await makeTree(t, 'good.txt')
  let path = Buffer.from(join(deep, 'top'))
  for (let level = 0; level < 40; level += 1) path = Buffer.concat([path, Buffer.from(`/${'x'.repeat(50)}`)])
  await mkdir(path, { recursive: true })
  const bounded = await takeTree(deep)
  assert.equal(bounded.files['good.txt'], 'good.txt')
  assert.equal(bounded.directories.length, 20)
  assert.match(bounded.rejected.told[0] ?? '', /^"x{50}\/x+.*…": its path has more than 1024 characters$/)
})

for (const [what, set, error] of [
  ['is not there', async () => {}, { kind: 'notFound', message: /^"top" was not found/ }],
  ['is a file', (path: string) => writeFile(path, 'x'), { kind: 'invalid', message: '"top" is not a directory' }],
  ['is a link', (path: string) => symlink('/etc', path), { kind: 'invalid', message: '"top" is not a directory' }],
] as const) {
  test(`a directory that ${what} is refused as a whole`, async (t) => {
    const folder = await makeFolder(t)
    await set(join(folder, 'top'))
    await assert.rejects(takeTree(folder), error)
  })
}
