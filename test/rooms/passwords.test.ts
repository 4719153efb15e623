/** Passwords: what is the same one, and how many are looked at. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPasswords } from '../../server/access/passwords.ts'
import { createVault } from '../../server/access/vault.ts'

const BUSY = { kind: 'unavailable', message: 'Too many passwords are being looked at; try again' }

test('a password is any text, the same however its letters are written', async () => {
  const passwords = createPasswords()
  for (const password of ['a'.repeat(2048), 'пароль 密码 🔑🔑', 'with\u0000a NUL', '        ', '\u202Etfel ot thgir']) {
    const hash = await passwords.hash(password)
    assert.match(hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    assert.equal(await passwords.matches(hash, password, ''), true)
    assert.equal(await passwords.matches(hash, `${password} `, ''), false)
  }
  const composed = await passwords.hash('caf\u00e9 au lait')
  assert.equal(await passwords.matches(composed, 'cafe\u0301 au lait', ''), true)
  assert.equal(await passwords.matches(await passwords.hash('a\u0000b'), 'a\u0000c', ''), false)
})

test('nobody, and who has no password, match nothing', async () => {
  const passwords = createPasswords()
  for (const hash of [undefined, 'none', '']) assert.equal(await passwords.matches(hash, 'none', ''), false)
})

test('few are looked at, few wait, and one network does not take the places of another', async () => {
  const passwords = createPasswords({ atOnce: 1, most: 3, mostOfOne: 2 })
  const look = (from: string) => passwords.matches(undefined, 'a password', from)
  const under = [look('a'), look('a')]
  await assert.rejects(look('a'), BUSY)
  under.push(look('b'))
  await assert.rejects(look('c'), BUSY)
  assert.deepEqual(await Promise.all(under), [false, false, false])
  assert.equal(await look('a'), false)
})

test('what is sealed opens for its own id and key only, unchanged', () => {
  const vault = createVault(Buffer.alloc(32, 1))
  const plain = Buffer.from('a secret')
  const sealed = vault.seal(plain, 'ada')
  assert.deepEqual(vault.open(sealed, 'ada'), plain)
  assert.notDeepEqual(vault.seal(plain, 'ada'), sealed)
  assert.ok(!sealed.includes(plain))
  assert.throws(() => vault.open(sealed, 'grace'))
  assert.throws(() => createVault(Buffer.alloc(32, 2)).open(sealed, 'ada'))
  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed)
    changed[at] = (changed[at] ?? 0) ^ 1
    assert.throws(() => vault.open(changed, 'ada'), `byte ${at}`)
  }
  assert.notDeepEqual(vault.digest('a', 'bc'), vault.digest('ab', 'c'))
})
