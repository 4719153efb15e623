/** How a command speaks, and how it reads a password. */

import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { UsageError } from './arguments.ts'

/** A line for whoever called. */
export type Say = (line: string) => void

const SHORTEST = 8
const LONGEST = 2048

/** Rows in columns, as wide as their longest text. */
export function inColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((text, index) => text.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}

/** The first line of the standard input; at a terminal it is asked for and not shown. @throws UsageError when it can't be one */
export async function readPassword(input: NodeJS.ReadStream = process.stdin): Promise<string> {
  if (input.isTTY) process.stderr.write('Password: ')
  const silence = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input, output: silence, terminal: input.isTTY })
  try {
    for await (const line of lines) return requirePassword(line)
    return requirePassword('')
  } finally {
    lines.close()
    if (input.isTTY) process.stderr.write('\n')
  }
}

function requirePassword(text: string): string {
  if (text.length >= SHORTEST && text.length <= LONGEST) return text
  throw new UsageError(`The password must have ${SHORTEST} to ${LONGEST} characters; it has ${text.length}.`)
}
