/** Which programs of PATH are taken as a browser: those of the system, whose folders may be shown to pages. */

import assert from 'node:assert/strict'
import { mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test from 'node:test'

const sources = String(new URL('../../setup/browser/sources.mjs', import.meta.url))
const { installedProgram } = await import(sources)

test('a program of PATH is the one it leads to, and only one below /usr or in a folder of /opt', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'fieldbook-test-'))
  t.after(() => rm(folder, { recursive: true }))
  const [own, led, gone] = ['own', 'led', 'gone'].map((name) => join(folder, name))
  await writeFile(String(own), '')
  await symlink('/usr/bin/env', String(led))
  await symlink('/usr/bin/not-there', String(gone))
  assert.equal(installedProgram(own), undefined)
  assert.equal(installedProgram(led), await realpath('/usr/bin/env'))
  assert.equal(installedProgram(gone), undefined)
  assert.equal(installedProgram(join(folder, 'nothing')), undefined)
})
