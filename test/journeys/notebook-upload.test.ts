/** The file of a notebook, uploaded in every way in which the official client can: as text, as bytes, as a stream. */

import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { signIn } from '../../client/client.ts'
import type { Notebook } from '../../contract/notebooks.ts'
import { MULTIPART, multipart } from '../support/forms.ts'
import { type Official, refusal, signInOfficially } from '../support/official.ts'
import { EMAIL, PASSWORD, type RunningService, startService } from '../support/service.ts'
import { ipynb, makeApplication } from '../support/steps.ts'

let service: RunningService
let losant: Official
let params: { applicationId: string; notebookId: string }

before(async () => {
  service = await startService({ env: { FIELDBOOK_NOTEBOOK_SIZE: '200KB' } })
  losant = await signInOfficially(service.url, EMAIL, PASSWORD)
  const { id: applicationId } = await makeApplication(losant)
  const made = await losant.call<Notebook>('notebooks.post', { applicationId, notebook: { name: 'n' } })
  params = { applicationId, notebookId: made.id }
})
after(() => service[Symbol.asyncDispose]())

const upload = (jupyterFile: unknown) => losant.call<Notebook>('notebook.upload', { ...params, jupyterFile })
const kept = async ({ jupyterFileUrl }: Notebook) => (await fetch(jupyterFileUrl ?? '')).text()
const large = ipynb(`text = """${'é'.repeat(80_000)}"""`)

test('text, bytes and streams arrive as they are', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fieldbook-upload-'))
  try {
    await writeFile(join(folder, 'my notebook.ipynb'), large)
    const ways: [unknown, string][] = [
      [large, 'jupyterFile'],
      [Buffer.from(large), 'jupyterFile'],
      [createReadStream(join(folder, 'my notebook.ipynb')), 'my notebook.ipynb'],
    ]
    for (const [jupyterFile, name] of ways) {
      const notebook = await upload(jupyterFile)
      assert.equal(notebook.jupyterFileName, name)
      assert.ok((await kept(notebook)) === large, `${name}: the same to the byte`)
    }
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('what is too large, empty, or no notebook is refused in every way, and the old one stays', async () => {
  const before = await upload(ipynb('print("kept")'))
  const wrong: [string, RegExp, number?][] = [
    [
      'x'.repeat(200_001),
      /^jupyterFile is larger than the 200000 bytes that are allowed \(FIELDBOOK_NOTEBOOK_SIZE\)$/,
      413,
    ],
    ['no JSON', /JSON/],
    ['{}', /./],
  ]
  for (const [text, message, status = 400] of wrong) {
    for (const file of [text, Buffer.from(text)]) {
      const { statusCode, message: told } = await refusal(upload(file))
      assert.equal(statusCode, status)
      assert.match(told, message)
    }
  }
  const { token } = await signIn(service.url, EMAIL, PASSWORD)
  const url = `${service.url}/applications/${params.applicationId}/notebooks/${params.notebookId}/upload`
  const send = (body: Buffer<ArrayBuffer>) =>
    fetch(url, { method: 'POST', headers: { ...MULTIPART, authorization: `Bearer ${token}` }, body })
  const whole = multipart([
    { name: 'jupyterFile', content: ipynb('print("half")'), fileName: 'a.ipynb' },
    { name: 'submit', content: 'x'.repeat(500) },
  ])
  for (const length of [0, 20, 200, whole.length - 300, whole.length - 60, whole.length - 4]) {
    const response = await send(whole.subarray(0, length))
    assert.equal(response.status, 400, `cut after ${length} of ${whole.length}`)
  }
  const { jupyterFileUrl } = await losant.call<Notebook>('notebook.get', params)
  assert.equal(await (await fetch(jupyterFileUrl ?? '')).text(), await kept(before))
})
