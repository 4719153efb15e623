/** A request that lies about where it was sent: its own answer may repeat that, what others are told does not. */

import assert from 'node:assert/strict'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import test from 'node:test'
import { signIn } from '../../client/client.ts'
import { type Official, signInOfficially } from '../support/official.ts'
import { EMAIL, PASSWORD, startService } from '../support/service.ts'
import { startSmtp } from '../support/smtp.ts'
import { makeApplication, makeNotebook } from '../support/steps.ts'
import { until } from '../support/until.ts'

/** Posts JSON with a Host of its own, which fetch does not allow. */
async function post(url: string, host: string, token: string | undefined, body: object): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const headers = { host, authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const asked = request(url, { method: 'POST', headers }, (answer) => {
    text(answer).then(() => resolve(answer.statusCode ?? 0), reject)
  })
  asked.on('error', reject)
  asked.end(JSON.stringify(body))
  return promise
}

/** The links of a mail; its lines may be cut and its characters escaped as quoted-printable (RFC 2045 §6.7). */
const linksIn = (source: string) =>
  source
    .replace(/=\r?\n/g, '')
    .replace(/=([\dA-F]{2})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16)))
    .match(/https?:\/\/[^\s"<>&]+(?:&(?:amp;)?[^\s"<>&]+)*/g) ?? []

/** The path of a notebook. */
const notebookIn = async (losant: Official) => {
  const { id: applicationId } = await makeApplication(losant)
  const notebook = await makeNotebook(losant, applicationId, {
    inputs: [{ inputType: 'deviceMetadata', fileName: 'devices.json', format: 'json', queryJson: '{}' }],
  })
  return `/applications/${applicationId}/notebooks/${notebook.id}`
}

test('a mail links to the address the service was reached at, not to the one its Host claims', async (t) => {
  const { url: smtp, mails } = await startSmtp(t)
  await using service = await startService({ env: { FIELDBOOK_SMTP_URL: smtp } })
  const { token } = await signIn(service.url, EMAIL, PASSWORD)
  const path = await notebookIn(await signInOfficially(service.url, EMAIL, PASSWORD))
  for (const [what, status] of [
    ['requestInputDataExport', 202],
    ['execute', 200],
  ] as const) {
    mails.length = 0
    const asked = { email: 'victim@example.com' }
    assert.equal(await post(`${service.url}${path}/${what}`, 'evil.example', token, asked), status)
    await until(() => mails.length > 0)
    const source = mails[0]?.source ?? ''
    assert.doesNotMatch(source, /evil/, what)
    const link = linksIn(source).find((url) => url.includes('/blobs/')) ?? ''
    assert.ok(link.startsWith(`${service.url}/blobs/`), `${what}: ${linksIn(source)}`)
    assert.equal((await fetch(link)).status, 200)
  }
})

test('a mail links to the public address once that is configured', async (t) => {
  const { url: smtp, mails } = await startSmtp(t)
  const env = { FIELDBOOK_SMTP_URL: smtp, FIELDBOOK_PUBLIC_URL: 'https://example.com/fieldbook' }
  await using service = await startService({ env })
  const { token } = await signIn(service.url, EMAIL, PASSWORD)
  const path = await notebookIn(await signInOfficially(service.url, EMAIL, PASSWORD))
  assert.equal(
    await post(`${service.url}${path}/requestInputDataExport`, 'evil.example', token, { email: 'victim@example.com' }),
    202,
  )
  await until(() => mails.length > 0)
  assert.match(linksIn(mails[0]?.source ?? '')[0] ?? '', /^https:\/\/example\.com\/fieldbook\/blobs\//)
})
