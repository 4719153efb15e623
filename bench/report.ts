/** What a benchmark found, as a table for people or as JSON, with the bars it has to reach beside the figures. */

import { conditions } from './measure.ts'

export type Cell = string | number

export interface Bar {
  readonly what: string
  /** What the issue asks for, in words: "≤ 60 ms". */
  readonly wanted: string
  readonly found: number
  readonly reached: boolean
}

export interface Report {
  readonly name: string
  /** What was done, so that somebody can do it again. */
  readonly says: string
  readonly tables: readonly { readonly head: readonly string[]; readonly rows: readonly (readonly Cell[])[] }[]
  readonly bars: readonly Bar[]
  readonly notes: readonly string[]
}

/** A bar that is reached by figures up to `most`. */
export const atMost = (what: string, found: number, most: number, unit: string): Bar => ({
  what,
  wanted: `≤ ${most} ${unit}`.trim(),
  found,
  reached: found <= most,
})

/** A bar that is reached by figures from `least` on. */
export const atLeast = (what: string, found: number, least: number, unit: string): Bar => ({
  what,
  wanted: `≥ ${least} ${unit}`.trim(),
  found,
  reached: found >= least,
})

/** The report as text, tables as Markdown: they are copied into docs/measurements as they are. */
export function printed({ name, says, tables, bars, notes }: Report): string {
  const parts = [
    `${name}: ${says}`,
    conditions(),
    ...tables.map(({ head, rows }) => markdown(head, rows)),
    ...(bars.length > 0 ? [markdown(['bar', 'wanted', 'found', 'reached'], bars.map(barRow))] : []),
    notes.map((note) => `* ${note}`).join('\n'),
  ]
  return `${parts.join('\n\n')}\n`
}

/** Everything, for programs. */
export const asJson = (reports: readonly Report[]) => JSON.stringify({ conditions: conditions(), reports }, null, 2)

const barRow = ({ what, wanted, found, reached }: Bar) => [what, wanted, found, reached ? 'yes' : 'no']

function markdown(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const texts = [head, ...rows].map((row) => row.map(shown))
  const widths = head.map((_, column) => Math.max(...texts.map((row) => row[column]?.length ?? 0)))
  const lines = texts.map((row) => `| ${row.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |`)
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`
  return [lines[0], rule, ...lines.slice(1)].join('\n')
}

/** Three digits that count, no decimals from 100 on. */
function shown(cell: Cell): string {
  if (typeof cell === 'string') return cell
  if (Math.abs(cell) >= 100 || Number.isInteger(cell)) return String(Math.round(cell))
  return cell.toFixed(Math.abs(cell) >= 10 ? 1 : 2)
}
