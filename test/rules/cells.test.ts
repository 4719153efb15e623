/** Values between CSV cells, column types and lines of COPY. */

import assert from 'node:assert/strict'
import test from 'node:test'
import type { ColumnType } from '../../contract/data-tables.ts'
import { copyLine, parseCell, TypeGuess } from '../../server/catalog/cells.ts'

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

test('a line of COPY escapes what would end a value or a line, and tells null from text that looks like it', () => {
  const table: [Parameters<typeof copyLine>[0], string][] = [
    [[null, '', 0, false], '\\N\t\t0\tfalse\n'],
    [['a\tb', 'c\nd', 'e\r\nf'], 'a\\tb\tc\\nd\te\\r\\nf\n'],
    [['\\', '\\N', '\\.'], '\\\\\t\\\\N\t\\\\.\n'],
    [['a\u0000b', -0, 1e21, 5e-324], 'ab\t0\t1e+21\t5e-324\n'],
  ]
  for (const [values, expected] of table) assert.equal(copyLine(values), expected)
})
