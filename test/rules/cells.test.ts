/** Values between CSV cells, column types and lines of COPY. */

import assert from 'node:assert/strict'
import test from 'node:test'
import type { ColumnType } from '../../contract/data-tables.ts'
import { COPY_NULL, copyCell, copyText, parseCell, TypeGuess } from '../../server/catalog/cells.ts'

const parsed: [ColumnType, string, string | number | boolean | null | undefined][] = [
  ['string', '', null],
  ['number', '', null],
  ['boolean', '', null],
  ['string', ' a ', ' a '],
  ['string', 'NULL', 'NULL'],
  ['number', '1', 1],
  ['number', ' -1.5e3 ', -1500],
  ['number', '.5', 0.5],
  ['number', '+5.', 5],
  ['number', '0x10', undefined],
  ['number', '1,5', undefined],
  ['number', '1e999', undefined],
  ['number', 'nan', undefined],
  ['number', 'Infinity', undefined],
  ['number', ' ', undefined],
  ['number', 'true', undefined],
  ['boolean', 'True', true],
  ['boolean', ' FALSE ', false],
  ['boolean', '1', true],
  ['boolean', '0', false],
  ['boolean', '2', undefined],
  ['boolean', 'yes', undefined],
  ['boolean', ' ', undefined],
  ['boolean', 'constructor', undefined],
  ['boolean', '__proto__', undefined],
  ['boolean', 'toString', undefined],
]
test('a cell is a value of its column’s type, null when empty, and nothing else', () => {
  for (const [type, cell, expected] of parsed) assert.equal(parseCell(type, cell), expected, `${type} "${cell}"`)
})

const guesses: [string[], ColumnType][] = [
  [[], 'string'],
  [['', ''], 'string'],
  [['1', '', '-2.5e3'], 'number'],
  [['1', '2', 'x'], 'string'],
  [['1', '0'], 'number'],
  [['true', 'FALSE', ''], 'boolean'],
  [['true', '1'], 'string'],
  [['true', 'x'], 'string'],
  [['1', 'NaN'], 'string'],
  [['constructor'], 'string'],
  [['1', '00123'], 'string'],
  [['1', '12345678901234567890'], 'string'],
  [['0', '-0.5', '9007199254740991'], 'number'],
]
test('a column gets the narrowest type that holds every one of its values', () => {
  for (const [cells, expected] of guesses) {
    const guess = new TypeGuess()
    for (const cell of cells) guess.see(cell)
    assert.equal(guess.type, expected, JSON.stringify(cells))
  }
})

test('text for COPY has nothing in it that would end a value or a line, or look like null', () => {
  const table: [string, string][] = [
    ['', ''],
    ['a\tb', 'a\\tb'],
    ['c\nd', 'c\\nd'],
    ['e\r\nf', 'e\\r\\nf'],
    ['\\N', '\\\\N'],
    ['\\.', '\\\\.'],
    ['a\u0000b', 'ab'],
  ]
  for (const [text, expected] of table) assert.equal(copyText(text), expected)
})

const copied: [ColumnType, string, string | undefined][] = [
  ['string', '', COPY_NULL],
  ['number', '', COPY_NULL],
  ['string', 'a\tb', 'a\\tb'],
  ['number', '-1.50', '-1.50'],
  ['number', '+5.', '+5.'],
  ['number', ' 7 ', '7'],
  ['number', '1e-400', '0'],
  ['number', '1e999', undefined],
  ['number', '9'.repeat(400), undefined],
  ['boolean', ' TRUE ', 'true'],
  ['boolean', '0', 'false'],
]
test('a cell goes to COPY as the value it is', () => {
  for (const [type, cell, expected] of copied) assert.equal(copyCell(type, cell), expected, `${type} "${cell}"`)
  for (const [type, cell, value] of parsed) {
    const text = copyCell(type, cell)
    if (value === null) assert.equal(text, COPY_NULL)
    else if (typeof value === 'number') assert.equal(Number(text), value, cell)
    else assert.equal(text, value === undefined ? undefined : String(value), cell)
  }
})
