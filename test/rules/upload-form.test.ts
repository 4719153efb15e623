/** Upload forms: what one allows, and that nothing of it can be changed, kept beyond its end, or used for something else. */

import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import test from 'node:test'
import { linkToFile, openFileLink } from '../../server/http/file-links.ts'
import { openUploadForm, type UploadGrant, uploadFields } from '../../server/http/upload-form.ts'
import { linkTo } from '../../server/stores/blobs/links.ts'

const SECRET = randomBytes(32)
const GRANT: UploadGrant = {
  tree: { applicationId: 'a'.repeat(24), private: false },
  fileId: 'f'.repeat(24),
  maxBytes: 5_000_000_000,
  expiresAt: new Date('2026-11-26T12:00:00.000Z'),
}
const BEFORE = new Date(GRANT.expiresAt.getTime() - 1)
const FIELDS = uploadFields(SECRET, GRANT)

const open = (fields: Record<string, string>, now = BEFORE) =>
  openUploadForm(SECRET, new Map(Object.entries(fields)), now)

test('a form allows what it was made for, until it ends', () => {
  assert.deepEqual(open(FIELDS), GRANT)
  const { bucket: _, ...sent } = FIELDS
  assert.deepEqual(open(sent), GRANT)
  assert.throws(() => open(FIELDS, GRANT.expiresAt), { kind: 'forbidden', message: /expired/ })
  const hidden = { ...GRANT, tree: { ...GRANT.tree, private: true } }
  assert.deepEqual(open(uploadFields(SECRET, hidden)), hidden)
})

test('names of fields count in any case, and fields that are not ours do not matter', () => {
  const lower = Object.fromEntries(Object.entries(FIELDS).map(([name, value]) => [name.toLowerCase(), value]))
  assert.deepEqual(open({ ...lower, acl: 'public-read', 'Content-Type': 'text/html', '': '' }), GRANT)
})

test('a field that is missing is named', () => {
  for (const name of ['Policy', 'X-Amz-Signature', 'key']) {
    const { [name]: _, ...rest } = FIELDS
    assert.throws(() => open(rest), { kind: 'invalid', message: new RegExp(`no field ${name} before the file`) })
  }
})

/** The policy with one thing changed, and the signature it had. */
const changedPolicy = (change: (policy: string) => string) =>
  Buffer.from(change(Buffer.from(FIELDS['Policy'] ?? '', 'base64').toString())).toString('base64')

const other = uploadFields(SECRET, { ...GRANT, fileId: 'e'.repeat(24) })
const changes: [string, Record<string, string>][] = [
  ['a later end', { Policy: changedPolicy((policy) => policy.replace('2026', '2036')) }],
  ['a larger size', { Policy: changedPolicy((policy) => policy.replace('5000000000', '9000000000')) }],
  ['another file in the policy', { Policy: changedPolicy((policy) => policy.replace('ffff', 'fffe')) }],
  ['another file in the key', { key: other['key'] ?? '' }],
  ['another file’s policy', { Policy: other['Policy'] ?? '' }],
  ['another file’s policy and signature', { ...other, key: FIELDS['key'] ?? '' }],
  ['the private tree', { key: FIELDS['key']?.replace('files/', 'privateFiles/') ?? '' }],
  ['a policy that is no JSON', { Policy: Buffer.from('{').toString('base64') }],
  ['an empty policy', { Policy: '' }],
  ['an empty signature', { 'X-Amz-Signature': '' }],
  ['a signature in capitals', { 'X-Amz-Signature': FIELDS['X-Amz-Signature']?.toUpperCase() ?? '' }],
  ['a signature beyond ASCII', { 'X-Amz-Signature': `${FIELDS['X-Amz-Signature']?.slice(0, -2)}é` }],
  ['the same policy written differently', { Policy: `${FIELDS['Policy']}=` }],
  ['an unsigned policy of the same words', { 'X-Amz-Signature': createHmac('sha256', '').update('').digest('hex') }],
]
for (const [what, change] of changes) {
  test(`a form with ${what} is refused`, () => {
    assert.throws(() => open({ ...FIELDS, ...change }), { kind: 'forbidden' })
  })
}

test('a form of another secret is refused', () => {
  const fields = new Map(Object.entries(FIELDS))
  assert.throws(() => openUploadForm(randomBytes(32), fields, BEFORE), { kind: 'forbidden' })
})

const LINK = { applicationId: GRANT.tree.applicationId, fileId: GRANT.fileId, expiresAt: GRANT.expiresAt }
const follow = (path: string) => {
  const url = new URL(path, 'http://localhost')
  const [, , applicationId = '', fileId = '', name = ''] = url.pathname.split('/')
  const { expires = '', signature = '' } = Object.fromEntries(url.searchParams)
  return { applicationId, fileId, expires, signature, name: decodeURIComponent(name) }
}

test('a link to a private file opens it until it ends, and shows the beginning of its name', () => {
  const name = `🎉 1/2?${'x'.repeat(500)}`
  const given = follow(linkToFile(SECRET, LINK, name))
  assert.equal(given.name, [...name].slice(0, 100).join(''))
  assert.equal(openFileLink(SECRET, given, BEFORE), 'open')
  assert.equal(openFileLink(SECRET, given, GRANT.expiresAt), 'expired')
  for (const change of [
    { fileId: 'e'.repeat(24) },
    { applicationId: 'b'.repeat(24) },
    { name: 'harmless.pdf' },
    { name: '' },
    { expires: '9999999999999' },
    { expires: '' },
    { signature: '' },
    { signature: given.signature.replace(/.$/, (d) => (d === '0' ? '1' : '0')) },
    { applicationId: `${given.applicationId}","${given.fileId}`, fileId: '' },
  ]) {
    assert.equal(openFileLink(SECRET, { ...given, ...change }, BEFORE), 'wrong', JSON.stringify(change))
  }
})

test('a signature of one kind is none of another kind', () => {
  const blob = new URL(
    linkTo(SECRET, { key: LINK.applicationId, fileName: LINK.fileId, expiresAt: LINK.expiresAt }),
    'http://h',
  )
  const signature = blob.searchParams.get('signature') ?? ''
  const given = { ...LINK, name: LINK.fileId, expires: String(LINK.expiresAt.getTime()), signature }
  assert.equal(openFileLink(SECRET, given, BEFORE), 'wrong')
  assert.equal(openFileLink(SECRET, { ...given, signature: FIELDS['X-Amz-Signature'] ?? '' }, BEFORE), 'wrong')
})
