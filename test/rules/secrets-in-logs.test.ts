/** The search for secrets in what services printed finds one, however it is spelled, and nothing else. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { linesWithSecrets, noteSecrets, noteSecretsOf, requireNoSecrets } from '../support/secrets.ts'

test('a planted line is found, and the line that shows a password on purpose is not', () => {
  const secrets = ['a secret of 24 signs/+']
  const planted = '{"msg":"x","url":"/?token=a%20secret%20of%2024%20signs%2F%2B"}'
  const output = `harmless\n${planted}\n  Sign in as a@b.c with the password a secret of 24 signs/+\n`
  assert.deepEqual(linesWithSecrets(output, secrets), [planted])
  noteSecrets({ items: [{ token: 'noted-from-an-answer' }] })
  noteSecrets({
    url: `/blobs/a/b?expires=1&signature=${'ab'.repeat(32)}`,
    smtp: 'smtp://mailer:the-mail-password@host',
  })
  noteSecretsOf('{"currentPassword":"the-current-password"}')
  noteSecretsOf('[no JSON')
  requireNoSecrets('harmless')
  for (const secret of ['ab'.repeat(32), 'the-mail-password', 'the-current-password']) {
    assert.throws(() => requireNoSecrets(`{"a":"${secret}"}`), /a secret was printed/)
  }
  assert.throws(() => requireNoSecrets('{"error":"noted-from-an-answer"}'), /a secret was printed/)
})
