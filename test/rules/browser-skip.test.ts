/** Tests in a browser are skipped for one reason only: that set-up looked for one and wrote down why there is none. */

import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { noChromium } from '../support/chromium.ts'
import { makeFolder } from '../support/make.ts'

async function recorded(t: TestContext, record: object): Promise<string> {
  const tools = await makeFolder(t)
  await mkdir(join(tools, 'chromium'))
  await writeFile(join(tools, 'chromium', 'browser.json'), JSON.stringify(record))
  return tools
}

test('the reason of set-up skips, and a browser that can be started does not', async (t) => {
  const problem = 'There is no browser here'
  assert.equal(await noChromium(await recorded(t, { problem, key: '1' })), problem)
  assert.equal(await noChromium(await recorded(t, { program: process.execPath, folder: '/usr' })), false)
})

test('no record, and a browser that is gone, are failures', async (t) => {
  await assert.rejects(noChromium(await makeFolder(t)), /npm run setup/)
  await assert.rejects(noChromium(await recorded(t, { program: '/nowhere/chromium', folder: '/usr' })), /ENOENT/)
  const unfit = await recorded(t, { program: '/etc/passwd', folder: '/usr' })
  if (process.getuid?.() !== undefined) await assert.rejects(noChromium(unfit), /EACCES/)
})
