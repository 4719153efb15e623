/** The helper `format` (behaviour dossier §5): numbers by D3's specifiers, dates by Moment's. */

import { formatLocale, formatSpecifier } from 'd3-format'
import { writeDate } from './dates.ts'
import { isComposite, type ValueHelper } from './values.ts'

/** As D3 writes English numbers, but with the minus sign of the keyboard: the one that file names may have. */
const english = formatLocale({ thousands: ',', grouping: [3], currency: ['$', ''], decimal: '.', minus: '-' })

const DEFAULT_NUMBER = ',.6'

/** D3 pads a number to any width at all. */
const MAX_WIDTH = 100

export const formats: Record<string, ValueHelper> = {
  format: (value, format) => {
    if (typeof value === 'number') return writeNumber(value, format)
    if (value instanceof Date) return writeDate(value, format)
    return isComposite(value) ? JSON.stringify(value) : value
  },
}

/** @throws when D3 does not know the specifier */
function writeNumber(value: number, format: unknown): string {
  const specifier = formatSpecifier(typeof format === 'string' && format !== '' ? format : DEFAULT_NUMBER)
  if ((specifier.width ?? 0) > MAX_WIDTH) throw new Error(`a number has at most ${MAX_WIDTH} places`)
  return english.format(specifier.toString())(value)
}
