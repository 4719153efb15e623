/**
 * The filter of lists under patterns that are made to cost: over 1,000 names of 255 characters, asked of the list itself,
 * in turns with a plain one. The longest filter that a request may bring has 255 characters as well.
 */

import { listNotebooks } from '../server/catalog/notebooks.ts'
import { createGate } from './idle.ts'
import { type Contestant, interleave } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { atMost, type Report } from './report.ts'
import { openStore, type Store } from './store.ts'

const NAMES = 1000
const LENGTH = 255
const ROUNDS = 25
/** What a hostile pattern may cost at most. */
const MOST_MS = 50

const upTo = (part: string, end: string) => part.repeat(LENGTH).slice(0, LENGTH - end.length) + end

/** All names are of a's, with a number at the end; none has an x. */
const PLAIN = 'a*7'
const HOSTILE: Record<string, string> = {
  '*a*a…*x': upTo('*a', '*x'),
  '*a?*a?…*x': upTo('*a?', '*x'),
  '255 stars': '*'.repeat(LENGTH),
  '254 stars and x': upTo('*', 'x'),
  '*?*?…*x': upTo('*?', '*x'),
  '*, 127 a, x': `*${'a'.repeat(127)}x`,
  '*aaaaaaa*aaaaaaa…*x': upTo('*aaaaaaa', '*x'),
  '*%_\\*%_\\…*x': upTo('*%_\\', '*x'),
}

/** `rows` is the number of names. */
export async function benchPatterns(options: BenchOptions): Promise<Report> {
  const [rows, rounds] = [options.rows ?? NAMES, options.rounds ?? ROUNDS]
  await using store = await openStore()
  await fill(store, rows)
  const gate = createGate()
  const all = Object.entries({ 'a*7, plain': PLAIN, ...HOSTILE })
  const contestants = all.map(([name, filter]): Contestant => ({ name, run: () => ask(store, filter) }))
  const found = await interleave(contestants, rounds, gate.pass)
  const worst = Math.max(...found.slice(1).map(({ maxMs }) => maxMs))
  return {
    name: 'patterns',
    says: `${rounds} rounds of lists filtered out of ${rows} names of ${LENGTH} characters, in turns`,
    tables: [
      {
        head: ['filter', 'median, ms', 'least', 'worst'],
        rows: found.map(({ name, medianMs, minMs, maxMs }) => [`\`${name}\``, medianMs, minMs, maxMs]),
      },
    ],
    bars: [atMost('the worst of all hostile patterns', worst, MOST_MS, 'ms')],
    notes: ['The list as a service asks it, without the door: one page of 100, and the count.', gate.told],
  }
}

/** How long a list takes to be answered, in ms. */
async function ask({ db, applicationId }: Store, filter: string): Promise<number> {
  const from = performance.now()
  await listNotebooks(db, applicationId, { filter })
  return performance.now() - from
}

async function fill({ db, applicationId }: Store, rows: number): Promise<void> {
  await db.query(
    `insert into notebooks (id, application_id, name, image_version)
     select lpad(to_hex(number), 24, '0'), $1, repeat('a', $3::int - 6) || lpad(number::text, 6, '0'), 'v4'
     from generate_series(1, $2::int) as number`,
    [applicationId, rows, LENGTH],
  )
}
