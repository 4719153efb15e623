/** Regular expressions of `match`: the same answers as JavaScript's own, in time that no pattern can stretch. */

import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { MAX_STEPS, matches } from '../../server/templates/pattern.ts'

const found = (pattern: string, text: string) => matches(text, pattern, { steps: 0 })

const patterns: [pattern: string, texts: string[]][] = [
  ['', ['', 'a']],
  ['abc', ['abc', 'xabcx', 'ab', 'ABC']],
  ['^abc$', ['abc', 'xabc', 'abcx', 'abc\n']],
  ['a.c', ['abc', 'a\nc', 'ac']],
  ['a*b+c?', ['b', 'aabbc', 'aac', '']],
  ['^(a|b|)c$', ['ac', 'bc', 'c', 'dc']],
  ['^(?:ab|a)(?:c|bcd)$', ['abcd', 'abc', 'ac', 'abbcd']],
  ['^(?<year>\\d{4})-(\\d\\d)$', ['2026-03', '26-03', '2026-3']],
  ['^\\d{2,4}$', ['1', '12', '1234', '12345']],
  ['^a{0}b{2,}$', ['bb', 'bbbb', 'b', 'abb']],
  ['a{,3}', ['a{,3}', 'aaa']],
  ['{', ['{', 'x']],
  ['[a-c]x', ['ax', 'dx', 'bx']],
  ['[^a-c]', ['a', 'd', '']],
  ['[]a]', ['a', ']', '']],
  ['[^]', ['', 'x', '\n']],
  ['[\\w.-]+@[\\w.-]+', ['a.b@c-d.e', '@', 'a@']],
  ['[-a]', ['-', 'a', 'b']],
  ['[a-]', ['-', 'a', 'b']],
  ['[\\d-x]', ['-', '5', 'x', 'w']],
  ['[\\b]', ['\b', 'b']],
  ['\\bfoo\\b', ['foo', 'a foo b', 'foobar', 'foo_']],
  ['\\Boo', ['foo', 'oo']],
  ['\\s\\S\\D\\W', [' aa-', 'aaaa']],
  ['\\t\\n\\x41\\u0042\\.\\/', ['\t\nAB./', 'tnAB./']],
  ['a+?b*?', ['aab', 'b']],
  ['^(a*)*$', ['aaaa', 'aab', '']],
  ['^(a|aa)+$', ['aaaa', 'aab']],
  ['x*', ['', 'y']],
  ['(^a|b$)', ['ab', 'xb', 'ax', 'xax']],
  ['é|ü', ['é', 'u']],
]
test('a pattern matches what JavaScript says it does', () => {
  for (const [pattern, texts] of patterns) {
    for (const text of texts) {
      assert.equal(found(pattern, text), new RegExp(pattern).test(text), `${pattern} on ${JSON.stringify(text)}`)
    }
  }
})

/** Patterns that are valid by construction, of few letters so that they often match. */
const anyPattern = fc.letrec<{ pattern: string; sequence: string; repeated: string; part: string }>((tie) => ({
  pattern: fc.array(tie('sequence'), { minLength: 1, maxLength: 3 }).map((choices) => choices.join('|')),
  sequence: fc.array(tie('repeated'), { maxLength: 4 }).map((parts) => parts.join('')),
  repeated: fc.oneof(
    { weight: 5, arbitrary: tie('part') },
    fc
      .tuple(tie('part'), fc.constantFrom('*', '+', '?', '*?', '{2}', '{0,2}', '{1,}'))
      .map(([part, many]) => (/^(\^|\$|\\[bB])$/.test(part) ? part : part + many)),
  ),
  part: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom('a', 'b', 'c', '.', '[ab]', '[^a]', '\\w', '\\s', '^', '$', '\\b', '\\B', '-', '\\-'),
    tie('pattern').map((inside) => `(${inside})`),
    tie('pattern').map((inside) => `(?:${inside})`),
  ),
})).pattern

test('any pattern gives the same answer as JavaScript', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '-', ' ', '\n'), maxLength: 7 })
  fc.assert(
    fc.property(
      anyPattern.filter((pattern) => pattern.length <= 60),
      text,
      (pattern, subject) => {
        assert.equal(found(pattern, subject), new RegExp(pattern).test(subject), JSON.stringify([pattern, subject]))
      },
    ),
    { numRuns: 1000 },
  )
})

const refused: [pattern: string, reason: RegExp][] = [
  ['(?=a)', /look ahead/],
  ['(?!a)', /look ahead/],
  ['(?<=a)b', /look ahead or behind/],
  ['(?i:a)', /change flags/],
  ['(a)\\1', /"\\1"/],
  ['\\k<a>', /"\\k"/],
  ['\\p{L}', /"\\p"/],
  ['\\u12', /without its digits/],
  ['(a', /not closed/],
  ['a)', /closes nothing/],
  ['[a', /ends too early/],
  ['a\\', /ends too early/],
  ['*', /nothing to repeat/],
  ['a**', /nothing to repeat/],
  ['^*', /can not be repeated/],
  ['a{3,2}', /out of order/],
  ['[b-a]', /out of order/],
  ['a{100000}', /more than 2000 times/],
  ['(a{1000}){1000}', /too large/],
  ['((a{100}){100}){100}', /too large/],
  ['('.repeat(200), /too many groups|not closed/],
  ['a'.repeat(501), /at most 500 characters/],
]
for (const [pattern, reason] of refused) {
  test(`the pattern ${pattern.slice(0, 20)} is refused in words`, () => {
    assert.throws(() => found(pattern, 'aaa'), reason)
  })
}

/** What makes matchers that go back take for ever (threat 32). */
const bombs: [pattern: string, text: string][] = [
  ['(a+)+$', `${'a'.repeat(5000)}!`],
  ['^(a|aa)+$', `${'a'.repeat(5000)}b`],
  ['^(a|a)*$', `${'a'.repeat(5000)}b`],
  ['(.*a){20}$', 'a'.repeat(1000)],
  ['^(([a-z])+.)+[A-Z]([a-z])+$', 'a'.repeat(5000)],
  ['([a-zA-Z0-9])(([.-]|_+)?([a-zA-Z0-9]+))*@', 'a'.repeat(5000)],
  ['(x+x+)+y', 'x'.repeat(5000)],
  ['(a*)*(a*)*(a*)*(a*)*b', 'a'.repeat(5000)],
  ['(a?){200}a{200}', 'a'.repeat(300)],
  ['[abcdefghijklmnopqrstuvwxyz]{1000}', 'z'.repeat(8000)],
]
test('no pattern takes more than its steps', () => {
  for (const [pattern, text] of bombs) {
    const used = { steps: 0 }
    try {
      matches(text, pattern, used)
    } catch (error) {
      assert.match(String(error), /take too long/)
    }
    assert.ok(used.steps <= MAX_STEPS + 100, `${pattern}: ${used.steps}`)
  }
})

test('nothing, repeated billions of times, is compiled at once', () => {
  const startMs = performance.now()
  assert.equal(found('^(?:(((){2000}){2000}){2000}){2000}a$', 'a'), true)
  assert.ok(performance.now() - startMs < 1000)
})
