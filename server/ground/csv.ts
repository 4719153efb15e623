/** Lines of CSV as all of our files have them: commas, LF, quotes only where they are needed (RFC 4180). */

const NEEDS_QUOTES = /[",\r\n]/

/** A cell; what is undefined or null is empty. */
export const csvCell = (value: string | number | null | undefined): string => {
  const text = String(value ?? '')
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** A line with its end. */
export const csvLine = (cells: readonly (string | number | null | undefined)[]): string =>
  `${cells.map(csvCell).join(',')}\n`
