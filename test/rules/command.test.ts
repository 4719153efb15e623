/** What may be written after `fieldbook`, and what is said of the rest. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { COMMANDS, readCommand, UsageError } from '../../server/command/arguments.ts'
import { inColumns } from '../../server/command/output.ts'

const read = (line: string) => {
  const command = readCommand(line.split(' ').filter(Boolean))
  return 'help' in command ? command.help : [command.name, command.texts, [...command.flags]]
}

test('commands are read with their options, an address or a key also without its name', () => {
  assert.deepEqual(read('user add --email a@b.c --owner'), ['user add', { email: 'a@b.c' }, ['owner']])
  assert.deepEqual(read('user disable a@b.c'), ['user disable', { email: 'a@b.c' }, []])
  assert.deepEqual(read('user list --json'), ['user list', {}, ['json']])
  assert.deepEqual(read('keys rotate --overlap=12h'), ['keys rotate', { overlap: '12h' }, []])
  assert.deepEqual(read('keys retire abc --yes'), ['keys retire', { key: 'abc' }, ['yes']])
})

for (const line of [
  'user',
  'user remove',
  'user add --password secret',
  'user add --email',
  'user disable a@b.c d@e.f',
  'user disable a@b.c --email d@e.f',
  'user list a@b.c',
  'keys rotate --owner',
  'constructor toString',
]) {
  test(`"fieldbook ${line}" is refused as usage`, () => {
    assert.throws(() => read(line), UsageError)
  })
}

test('the help names every command, that of a command its own, and no option takes a password', () => {
  const all = String(read(''))
  for (const name of Object.keys(COMMANDS)) assert.ok(all.includes(`  ${name} `), name)
  assert.equal(read('--help'), all)
  assert.ok(!String(read('keys --help')).includes('user add'))
  assert.match(String(read('user add --help')), /^fieldbook user add --email <address>/)
  const options = Object.values(COMMANDS).flatMap(({ options }) => Object.entries(options))
  for (const [name, { type }] of options) if (/password|secret/.test(name)) assert.equal(type, 'boolean', name)
})

test('rows stand in columns without spaces at their ends', () => {
  assert.deepEqual(
    inColumns([
      ['a', 'bb', ''],
      ['ccc', '', 'd'],
    ]),
    ['a    bb', 'ccc      d'],
  )
  assert.deepEqual(inColumns([]), [])
})
