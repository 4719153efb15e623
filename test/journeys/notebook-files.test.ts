/** Application files as what notebooks are given and what they leave: public and private, by path, as they are just then. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Client, signIn } from '../../client/client.ts'
import type { ApplicationFile, FileWithUpload } from '../../contract/files.ts'
import { patchNotebook } from '../../contract/notebooks.ts'
import { createPrivateFile, listPrivateFiles, uploadPrivateFile } from '../../contract/private-files.ts'
import { type Official, signInOfficially } from '../support/official.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { makeApplication, makeNotebook, open, runToEnd } from '../support/steps.ts'

let service: RunningService
let losant: Official
let client: Client
let applicationId: string

before(async () => {
  service = await startService()
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  client = await signIn(service.url, EMAIL, PASSWORD)
  applicationId = (await makeApplication(losant)).id
})
after(() => service[Symbol.asyncDispose]())

async function makePublic(parentDirectory: string, name: string, content: string): Promise<ApplicationFile> {
  const file = { name, parentDirectory, type: 'file' }
  const { id } = await losant.call<FileWithUpload>('files.post', { applicationId, file })
  return losant.call<ApplicationFile>('file.upload', { applicationId, fileId: id, file: content })
}

test('a notebook is given public and private files by path, and leaves a private one', async () => {
  const shared = await makePublic('/calibration/ü 1', 'factors.csv', 'pump,factor\n1,2.5\n')
  const made = await client.call(createPrivateFile, {
    params: { applicationId },
    body: { name: 'key.txt', parentDirectory: '/keys', type: 'file' },
  })
  const bytes = new TextEncoder().encode('a secret')
  await client.call(uploadPrivateFile, {
    params: { applicationId, privateFileId: made.id },
    file: { name: 'key.txt', bytes },
  })
  const notebook = await makeNotebook(
    losant,
    applicationId,
    {},
    'import os\nI, O = os.environ["INPUT_DIR"], os.environ["OUTPUT_DIR"]\nprint(open(f"{I}/factors.csv").read() + open(f"{I}/key.txt").read())',
    'open(f"{O}/out.txt", "w").write("left behind")',
    'try:\n    open(f"{I}/factors.csv", "a").write("changed")\nexcept OSError:\n    pass',
  )
  // The official client is older than this input and private destinations, so the notebook gets them from ours.
  await client.call(patchNotebook, {
    params: { applicationId, notebookId: notebook.id },
    body: {
      inputs: [
        { inputType: 'applicationFile', fileName: 'factors.csv', filePath: 'calibration/{{ctx.plant}}/factors.csv' },
        { inputType: 'applicationFile', fileName: 'key.txt', filePath: '/keys/key.txt', private: true },
      ],
      outputs: [
        {
          outputType: 'file',
          fileName: 'out.txt',
          destinationFileNameTemplate: 'out.txt',
          destinationDirectoryTemplate: '/results/{{ctx.plant}}',
          destinationPrivate: true,
        },
      ],
    },
  })
  const log = await runToEnd(losant, notebook, { templateContext: JSON.stringify({ plant: 'ü 1' }) })
  assert.deepEqual(log.executionErrors, [])
  assert.match(await open(log.outputInfo, 'result.log'), /^pump,factor\n1,2\.5\na secret/)
  assert.equal(await open(log.inputInfo, 'key.txt'), 'a secret')
  assert.equal(await (await fetch(shared.url ?? '')).text(), 'pump,factor\n1,2.5\n', 'the file itself is as it was')
  const left = await client.call(listPrivateFiles, { params: { applicationId }, query: { directory: '/results/ü 1' } })
  const [file] = left.items
  assert.deepEqual([file?.name, file?.authorType, file?.status], ['out.txt', 'notebook', 'completed'])
  assert.equal(await (await fetch(file?.url ?? '')).text(), 'left behind')
  assert.equal((await fetch(`${service.url}/files/${applicationId}/results/%C3%BC%201/out.txt`)).status, 404)
})

test('a file that is not there, or not yet, ends the run and is named', async () => {
  const notebook = await makeNotebook(losant, applicationId, {}, 'print("never")')
  await losant.call('files.post', { applicationId, file: { name: 'pending.csv', type: 'file' } })
  const patch = (filePath: string) =>
    client.call(patchNotebook, {
      params: { applicationId, notebookId: notebook.id },
      body: { inputs: [{ inputType: 'applicationFile', fileName: 'a.csv', filePath }] },
    })
  for (const path of ['/nothing.csv', 'pending.csv', '/keys/key.txt', '/a/../../etc/passwd']) {
    await patch(path)
    const { status, executionErrors } = await runToEnd(losant, notebook)
    assert.equal(status, 'errored')
    const [error] = executionErrors
    assert.match(JSON.stringify(error), /a\.csv/, path)
    assert.match(
      JSON.stringify(error),
      new RegExp(path.startsWith('/a/') ? 'is not a directory' : 'with content'),
      path,
    )
  }
})
