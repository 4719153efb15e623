/** The address at the front of links: the client's word in its own answers, never in what others are told. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { answeredUrl, configuredUrl, sharedUrl } from '../../server/http/own-url.ts'

const HERE = { host: '127.0.0.1', port: 8410, publicUrl: undefined }
const PUBLIC = { ...HERE, publicUrl: 'https://example.com/fieldbook' }
const reached = (host: string | undefined, address?: string, port?: number) => ({ host, address, port })

const answers: [string | undefined, string][] = [
  ['localhost:8410', 'http://localhost:8410'],
  ['fieldbook.lan', 'http://fieldbook.lan'],
  ['my_host:1', 'http://my_host:1'],
  ['[::1]:8410', 'http://[::1]:8410'],
  ['10.0.0.7:80', 'http://10.0.0.7:80'],
]
for (const [host, url] of answers) {
  test(`links in the answer to a request for ${host} start with ${url}`, () => {
    assert.equal(answeredUrl(HERE, reached(host, '10.0.0.7', 8410)), url)
  })
}

const strange = [
  undefined,
  '',
  'evil.example/path?',
  'user@evil.example',
  'evil.example#',
  'a b',
  'a\\b',
  '[::1',
  ':80',
  'a:b',
  'é.example',
  `${'a'.repeat(254)}`,
]
for (const host of strange) {
  test(`a Host that is none (${host}) is not repeated`, () => {
    assert.equal(answeredUrl(HERE, reached(host, '10.0.0.7', 8410)), 'http://10.0.0.7:8410')
  })
}

test('what others are told starts with the address of ours that the request came to, whatever its Host says', () => {
  for (const host of ['evil.example', 'localhost:8410', undefined]) {
    assert.equal(sharedUrl(HERE, reached(host, '127.0.0.1', 9000)), 'http://127.0.0.1:9000')
    assert.equal(sharedUrl(HERE, reached(host, '::ffff:192.168.1.5', 8410)), 'http://192.168.1.5:8410')
    assert.equal(sharedUrl(HERE, reached(host, '2001:db8::7', 8410)), 'http://[2001:db8::7]:8410')
    assert.equal(sharedUrl(HERE, reached(host)), 'http://127.0.0.1:8410')
  }
})

test('a public address that is configured counts for everything', () => {
  const request = reached('evil.example', '10.0.0.7', 8410)
  for (const url of [answeredUrl(PUBLIC, request), sharedUrl(PUBLIC, request), configuredUrl(PUBLIC)]) {
    assert.equal(url, 'https://example.com/fieldbook')
  }
})

test('without a request the address listened on counts; that of all networks is replaced by one that can be reached', () => {
  assert.equal(configuredUrl(HERE), 'http://127.0.0.1:8410')
  assert.equal(configuredUrl({ ...HERE, host: '::1' }), 'http://[::1]:8410')
  for (const host of ['0.0.0.0', '::']) {
    assert.match(configuredUrl({ ...HERE, host }), /^http:\/\/(?!0\.0\.0\.0)\d+\.\d+\.\d+\.\d+:8410$/)
  }
})
