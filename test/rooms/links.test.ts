/** Links over the door: no byte of one can be changed, a part of its file can be asked for, and HEAD tells what GET does. */

import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import fc from 'fast-check'
import { placeFile } from '../../server/catalog/files/place.ts'
import { newId } from '../../server/ground/ids.ts'
import { inlineAs } from '../../server/http/content-disposition.ts'
import { publicPath } from '../../server/http/file-answers.ts'
import { linkToFile } from '../../server/http/file-links.ts'
import { linkTo } from '../../server/stores/blobs/links.ts'
import { openDoor, SECRET } from '../support/door.ts'

const NAME = "réport (1) 'a'/b%.html"
const CONTENT = '0123456789'

/** A link of each kind, to the same content. */
async function openLinks(t: TestContext) {
  const door = await openDoor(t)
  const { db, blobs, application } = door
  const expiresAt = new Date(Date.now() + 3_600_000)
  const key = `executions/${newId()}/1/outputs/0`
  await blobs.put(key, Buffer.from(CONTENT))
  await blobs.put('files/hidden', Buffer.from(CONTENT))
  const name = NAME.replace('/', '-')
  const file = { applicationId: application.id, notebookId: newId(), private: true, directory: '/', name }
  await placeFile(db, { ...file, blobKey: 'files/hidden', sizeBytes: CONTENT.length, contentType: 'text/html' })
  const placed = await db.one<{ id: string }>('select id from files where application_id = $1', [application.id])
  assert.ok(placed)
  const links = {
    'the output of an execution': linkTo(SECRET, { key, fileName: NAME, expiresAt }),
    'a private file': linkToFile(SECRET, { applicationId: application.id, fileId: placed.id, expiresAt }, name),
  }
  return { ...door, links: Object.entries(links) }
}

/** Characters that mean something in a URL, and such as may stand for others. */
const characters = fc.oneof(
  fc.constantFrom(...'0189abzAZ-_.~%&=?/+;:@!$\'()*, "\\#é'),
  fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
)

/**
 * What a link says: an escape may be written in small letters (RFC 3986 §6.2.2), clients make a slash of a backslash, and
 * parameters that mean nothing may stand between those that do.
 */
function meaning(link: string): string {
  const { pathname, searchParams } = new URL(link, 'http://localhost')
  const path = pathname.replace(/%[\da-f]{2}/gi, (byte) => byte.toUpperCase()).replace(/\/$/, '')
  return JSON.stringify([path, searchParams.getAll('expires'), searchParams.getAll('signature')])
}

test('a link of which any byte is changed, left out or added does not open', { timeout: 300_000 }, async (t) => {
  const { ask, links } = await openLinks(t)
  const get = async (url: string) => (await ask('GET', url, undefined, { authorization: '' })).status
  for (const [what, link] of links) {
    assert.equal(await get(link), 200, what)
    const refused = async (changed: string) => {
      if (meaning(changed) === meaning(link)) return
      // What follows a "?" or "#" is no path: this asks who we are, which everybody may.
      if (new URL(changed, 'http://localhost').pathname === '/') return
      const status = await get(changed)
      assert.ok([400, 403, 404].includes(status), `${what}: ${status} for\n${changed} instead of\n${link}`)
    }
    for (let at = 1; at < link.length; at += 1) {
      await refused(link.slice(0, at) + link.slice(at + 1))
      await refused(link.slice(0, at) + (link[at] === 'a' ? 'b' : 'a') + link.slice(at + 1))
    }
    const position = fc.integer({ min: 1, max: link.length - 1 })
    await fc.assert(
      fc.asyncProperty(position, characters, fc.boolean(), async (at, character, isAdded) => {
        await refused(link.slice(0, at) + character + link.slice(isAdded ? at : at + 1))
      }),
      { numRuns: 100 },
    )
  }
})

test('HEAD answers as GET, without the content, whatever is asked for', async (t) => {
  const { app, links } = await openLinks(t)
  const origin = await app.listen({ host: '127.0.0.1', port: 0 })
  for (const [what, link] of links) {
    const look = async (method: string, headers: Record<string, string>, url = link) => {
      const response = await fetch(origin + url, { method, headers: { connection: 'close', ...headers } })
      const told = Object.fromEntries(response.headers)
      // Of each request its own.
      for (const name of ['date', 'ratelimit-remaining', 'ratelimit-reset', 'x-request-id']) delete told[name]
      return { status: response.status, told, text: await response.text() }
    }
    const whole = await look('GET', {})
    assert.deepEqual([whole.status, whole.text], [200, CONTENT], what)
    const { etag = '' } = whole.told
    const cases: [headers: Record<string, string>, status: number, text: string | undefined][] = [
      [{}, 200, CONTENT],
      [{ range: 'bytes=2-4' }, 206, '234'],
      [{ range: 'bytes=-3' }, 206, '789'],
      [{ range: 'bytes=5-' }, 206, '56789'],
      [{ range: 'bytes=10-' }, 416, undefined],
      [{ range: 'bytes=0-1,3-4' }, 200, CONTENT],
      [{ range: 'bytes=2-4', 'if-range': etag }, 206, '234'],
      [{ range: 'bytes=2-4', 'if-range': '"other"' }, 200, CONTENT],
      [{ range: 'bytes=2-4', 'if-range': 'Thu, 26 Nov 2020 12:00:00 GMT' }, 200, CONTENT],
      [{ 'if-none-match': etag }, 304, ''],
    ]
    for (const [headers, status, text] of cases) {
      const [get, head] = [await look('GET', headers), await look('HEAD', headers)]
      const asked = `${what}, ${JSON.stringify(headers)}`
      assert.equal(get.status, status, asked)
      if (text !== undefined) assert.equal(get.text, text, asked)
      assert.deepEqual({ ...head, text: '' }, { ...get, text: '' }, asked)
      assert.equal(head.text, '', asked)
    }
    for (const wrong of [link.replace('expires=1', 'expires=2'), `${link}0`]) {
      const [get, head] = [await look('GET', {}, wrong), await look('HEAD', {}, wrong)]
      assert.equal(get.status, 403)
      assert.deepEqual({ ...head, text: '' }, { ...get, text: '' })
    }
  }
})

const names = [
  'say "hi"; a=b.csv',
  "it's (*) 100%.csv",
  '%2e%2e%2f.csv',
  'back\\slash?#.csv',
  'two\r\nset-cookie: a=b',
  'exe.\u202efdp',
  'ü 報告 🎉.csv',
  `${'🎉'.repeat(1020)}.csv`,
]
for (const name of names) {
  test(`a file called ${JSON.stringify(name).slice(0, 40)} opens by its address and by link`, async (t) => {
    const { app, db, blobs, application } = await openDoor(t)
    const file = { applicationId: application.id, notebookId: newId(), directory: '/out', name }
    const facts = { sizeBytes: CONTENT.length, contentType: 'text/plain' }
    for (const blobKey of ['files/public', 'files/private']) {
      await blobs.put(blobKey, Buffer.from(CONTENT))
      await placeFile(db, { ...file, ...facts, blobKey, private: blobKey === 'files/private' })
    }
    const hidden = await db.one<{ id: string }>(`select id from files where private and type = 'file'`)
    assert.ok(hidden)
    const expiresAt = new Date(Date.now() + 3_600_000)
    const origin = await app.listen({ host: '127.0.0.1', port: 0 })
    const saved = new Set<string>()
    for (const url of [
      publicPath(application.id, `/out/${name}`),
      linkTo(SECRET, { key: 'files/public', fileName: name, expiresAt }),
      linkToFile(SECRET, { applicationId: application.id, fileId: hidden.id, expiresAt }, name),
    ]) {
      const answer = await fetch(origin + url, { headers: { connection: 'close' } })
      assert.deepEqual([answer.status, await answer.text()], [200, CONTENT], url.slice(0, 60))
      assert.equal(answer.headers.get('set-cookie'), null)
      saved.add(answer.headers.get('content-disposition') ?? '')
    }
    assert.deepEqual([...saved], [inlineAs(name)])
  })
}

test('every answer of a link is boxed in, tells its type and name, and sets no cookie', async (t) => {
  const { ask, links } = await openLinks(t)
  for (const [what, link] of links) {
    for (const [asked, headers] of [
      ['whole', {}],
      ['a part', { range: 'bytes=0-1' }],
    ] as const) {
      const reply = await ask('GET', link, undefined, { authorization: '', ...headers })
      const told = { ...reply.headers }
      assert.match(String(told['content-security-policy']), /^sandbox; default-src 'none'/, `${what}, ${asked}`)
      assert.equal(told['x-content-type-options'], 'nosniff')
      assert.equal(told['content-type'], 'text/html; charset=utf-8')
      assert.equal(told['referrer-policy'], 'no-referrer')
      assert.equal(told['set-cookie'], undefined)
      assert.equal(told['access-control-allow-origin'], undefined)
      assert.match(String(told['content-disposition']), /^inline; filename="[ -~]*"; filename\*=UTF-8''[\w%.-]+$/)
    }
  }
})
