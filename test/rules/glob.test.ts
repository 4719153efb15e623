/** The filter of lists as PostgreSQL's LIKE patterns; that they match is tested with the lists. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { globToLike, matchesGlob } from '../../server/ground/glob.ts'

const patterns: [string, string][] = [
  ['pump', 'pump'],
  ['pump*', 'pump%'],
  ['*p?mp*', '%p_mp%'],
  ['100%', '100\\%'],
  ['a_b', 'a\\_b'],
  ['c:\\x', 'c:\\\\x'],
  ['\\*', '\\\\%'],
  ['**a***b*', '%a%b%'],
  ['*'.repeat(255), '%'],
]
test('stars and question marks are wild, everything else stands for itself', () => {
  for (const [glob, like] of patterns) assert.equal(globToLike(glob), like, glob)
})

const matches: [string, string, boolean][] = [
  ['pump', 'PUMP', true],
  ['pump', 'pumps', false],
  ['pump*', 'pump', true],
  ['*p?mp*', 'a pump 1', true],
  ['*mp', 'pump mp x', false],
  ['*ab', 'aab', true],
  ['?', '', false],
  ['?', '😀', true],
  ['*', '', true],
  ['', '', true],
  ['', 'a', false],
  ['a.c', 'abc', false],
  [`${'a*'.repeat(100)}b`, 'a'.repeat(255), false],
]
test('texts that are here already are matched by the same rules, whatever the pattern', () => {
  for (const [glob, text, expected] of matches) assert.equal(matchesGlob(glob, text), expected, `${glob} ${text}`)
})
