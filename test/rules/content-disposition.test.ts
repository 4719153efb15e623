/** The name a file is saved under: any name comes through, and none gets out of its place in the header. */

import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { inlineAs } from '../../server/http/content-disposition.ts'

const table: [string, string][] = [
  ['result.html', 'inline; filename="result.html"'],
  ['rows 1.csv', 'inline; filename="rows 1.csv"'],
  ['out/a/b.csv', 'inline; filename="b.csv"'],
  ['say "hi"; x=y.txt', `inline; filename="say _hi_; x=y.txt"; filename*=UTF-8''say%20%22hi%22%3B%20x%3Dy.txt`],
  ['100%.csv', `inline; filename="100_.csv"; filename*=UTF-8''100%25.csv`],
  ["it's (*) ü", `inline; filename="it's (*) _"; filename*=UTF-8''it%27s%20%28%2A%29%20%C3%BC`],
  ['a\r\nset-cookie: b=c', `inline; filename="a__set-cookie: b=c"; filename*=UTF-8''a%0D%0Aset-cookie%3A%20b%3Dc`],
  ['報告.pdf', `inline; filename="__.pdf"; filename*=UTF-8''%E5%A0%B1%E5%91%8A.pdf`],
  ['🎉.csv', `inline; filename="_.csv"; filename*=UTF-8''%F0%9F%8E%89.csv`],
  ['', 'inline; filename="file"'],
  ['a/', 'inline; filename="file"'],
]
for (const [name, header] of table) {
  test(`the name ${JSON.stringify(name)} is told as ${header}`, () => assert.equal(inlineAs(name), header))
}

/** What a client reads, by the grammar of RFC 6266 §4.1 and RFC 8187 §3.2.1. */
function read(header: string): string {
  const match =
    /^inline; filename="((?:[ !#-[\]-~])*)"(?:; filename\*=UTF-8''((?:[\w!#$&+.^`|~-]|%[\dA-F]{2})+))?$/.exec(header)
  assert.ok(match, header)
  return match[2] === undefined ? (match[1] ?? '') : decodeURIComponent(match[2])
}

const names = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ unit: fc.constantFrom('"', '\\', '%', "'", '*', ';', '\n', '\r', '\0', '\u202e', 'é', '\ud83d', 'a') }),
)

test('any name comes through', () => {
  fc.assert(
    fc.property(names, (name) => {
      const last = name.toWellFormed().split('/').at(-1) || 'file'
      fc.pre(Buffer.byteLength(last) <= 255)
      assert.equal(read(inlineAs(name)), last)
    }),
  )
})

test('a name that is longer than file systems take is cut before its ending', () => {
  for (const unit of ['x', 'é', '報', '🎉']) {
    const name = read(inlineAs(`${unit.repeat(1024)}.parquet`))
    assert.match(name, new RegExp(`^(?:${unit})+\\.parquet$`, 'u'))
    const bytes = Buffer.byteLength(name)
    assert.ok(bytes <= 255 && bytes > 250, `${bytes} bytes`)
  }
  assert.equal(read(inlineAs(`a.${'x'.repeat(300)}`)).length, 255)
})
