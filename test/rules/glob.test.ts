/** The filter of lists as PostgreSQL's LIKE patterns; that they match is tested with the lists. */

import assert from 'node:assert/strict'
import test from 'node:test'
import { globToLike } from '../../server/ground/glob.ts'

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
