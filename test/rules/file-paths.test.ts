/** Names, directories and paths of files: what they may be, and the one way in which each is kept. */

import assert from 'node:assert/strict'
import test from 'node:test'
import {
  isWithin,
  normalDirectory,
  requireName,
  shownDirectory,
  splitPath,
  stepsTo,
} from '../../server/catalog/files/paths.ts'

test('directories are written in many ways and mean one', () => {
  const table: [string, string][] = [
    ['', '/'],
    ['/', '/'],
    ['///', '/'],
    ['a', '/a'],
    ['/a/b/', '/a/b'],
    ['a//b', '/a/b'],
    ['/ a /..b', '/ a /..b'],
    [`/${'😀'.repeat(1023)}/`, `/${'😀'.repeat(1023)}`],
  ]
  for (const [text, expected] of table) assert.equal(normalDirectory(text), expected, text)
})

test('the API shows directories with a slash at the end, so that a path is directory and name', () => {
  assert.deepEqual([shownDirectory('/'), shownDirectory('/a/b')], ['/', '/a/b/'])
})

test('refusals name the field and show no more than is needed', () => {
  assert.throws(() => requireName('a/b', 'file.name'), {
    kind: 'invalid',
    message: 'file.name "a/b" is not a file name: it must have 1 to 1024 characters, no "/", and not be "." or ".."',
  })
  assert.throws(
    () => normalDirectory(`/${'x'.repeat(2000)}`, 'directory'),
    (error: Error) => error.message.length < 300,
  )
})

test('a path is a directory and a name', () => {
  assert.deepEqual(splitPath('a.csv'), { directory: '/', name: 'a.csv' })
  assert.deepEqual(splitPath('/a/b//c'), { directory: '/a/b', name: 'c' })
  for (const path of ['', '/', 'a/', 'a/..', '../a', 'a/./b'])
    assert.throws(() => splitPath(path), { kind: 'invalid' }, path)
})

test('the steps to a directory come from the top', () => {
  assert.deepEqual(stepsTo('/'), [])
  assert.deepEqual(
    stepsTo('/a/b').map(({ directory, name, path }) => [directory, name, path]),
    [
      ['/', 'a', '/a'],
      ['/a', 'b', '/a/b'],
    ],
  )
})

test('what lies within a directory begins with all of its path', () => {
  const table: [string, string, boolean][] = [
    ['/a', '/a', true],
    ['/a/b', '/a', true],
    ['/ab', '/a', false],
    ['/', '/a', false],
    ['/b', '/', true],
  ]
  for (const [path, directory, expected] of table)
    assert.equal(isWithin(path, directory), expected, `${path} ${directory}`)
})
