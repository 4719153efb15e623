/**
 * What runs used, asked for beside a million executions of a quarter: of a notebook, an application and a user, beside the
 * sum over the executions themselves; and what it costs the end of an execution to be counted.
 */

import { readSummaries } from '../server/executions/application-summary.ts'
import { minuteCounts, readStats } from '../server/executions/usage.ts'
import { createGate } from './idle.ts'
import { type Contestant, interleave, type Timed } from './measure.ts'
import type { BenchOptions } from './options.ts'
import { atMost, type Report } from './report.ts'
import { newId, openStore, type Store } from './store.ts'

const EXECUTIONS = 1_000_000
const NOTEBOOKS = 20
const DAYS = 90
const ROUNDS = 9
/** Of one round, one after the other. */
const ENDS = 200
const DAY_MS = 86_400_000

/** `rows` is the number of executions. */
export async function benchMinutes(options: BenchOptions): Promise<Report> {
  const rows = options.rows ?? EXECUTIONS
  await using store = await openStore()
  const { db, applicationId } = store
  const notebookIds = await fill(store, rows)
  const [notebookId = ''] = notebookIds
  const owner = await db.one<{ owner_id: string }>('select owner_id from applications where id = $1', [applicationId])
  const userId = owner?.owner_id ?? ''
  const now = new Date()
  const ago = (days: number) => new Date(now.getTime() - days * DAY_MS).toISOString()
  const month = { start: ago(30) }
  const partly = { start: ago(30), end: ago(0.5) }
  const ask = (name: string, work: () => Promise<unknown>): Contestant => ({ name, run: () => timed(work) })
  const contestants: Contestant[] = [
    ask('this month, notebook', () => minuteCounts(db, { notebookId }, {}, now)),
    ask('this month, application', () => minuteCounts(db, { applicationId }, {}, now)),
    ask('this month, user', () => minuteCounts(db, { userId }, {}, now)),
    ask('30 days from this hour on, application', () => minuteCounts(db, { applicationId }, month, now)),
    ask('two parts of days at the ends, application', () => minuteCounts(db, { applicationId }, partly, now)),
    ask('a year, application', () => minuteCounts(db, { applicationId }, { start: ago(365) }, now)),
    ask(`stats of ${NOTEBOOKS} notebooks`, () => readStats(db, notebookIds, now)),
    ask('summary', () => readSummaries(db, [applicationId], { summaryInclude: 'notebookStats' }, now)),
    ask('30 days, summed over executions', () => sumExecutions(store, ago(30))),
    { name: `${ENDS} ends, counted`, run: () => ends(store, notebookId) },
    { name: `${ENDS} ends, not counted`, run: () => uncounted(store, () => ends(store, notebookId)) },
  ]
  const gate = createGate()
  const found = await interleave(contestants, options.rounds ?? ROUNDS, gate.pass)
  return report(rows, found, gate.told)
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now()
  await work()
  return performance.now() - from
}

/** Executions that have ended, evenly over the days and the notebooks, as if each had been counted at its end. */
async function fill({ db, applicationId }: Store, rows: number): Promise<string[]> {
  const notebookIds = Array.from({ length: NOTEBOOKS }, newId)
  await db.query(
    `insert into notebooks (id, application_id, name, image_version)
     select id, $2, 'bench', 'v4' from unnest($1::text[]) as made (id)`,
    [notebookIds, applicationId],
  )
  await db.query(
    `insert into executions (id, application_id, notebook_id, status, snapshot, relative_to, source_type, source_id,
       max_run_minutes, attempt, queued_at, started_at, inputs_completed_at, notebook_completed_at,
       outputs_completed_at, phase)
     select lpad(to_hex(number), 24, '0'), $1, ($2::text[])[1 + number % $3::int],
       case when number % 10 = 0 then 'errored' else 'completed' end, '{"name": "bench", "inputs": [], "outputs": []}',
       at, 'user', $1, 60, 1, at, at, at, at + (number % 300) * interval '1 second',
       at + (number % 300) * interval '1 second', 'finished'
     from (
       select number, now() - number * ($4::float8 / $5::int) * interval '1 day' as at
       from generate_series(1, $5::int) as number
     ) as planned`,
    [applicationId, notebookIds, NOTEBOOKS, DAYS, rows],
  )
  await db.query(
    `insert into notebook_minutes
     select notebook_id, (outputs_completed_at at time zone 'UTC')::date, application_id, owner_id,
       sum(billed_minutes(inputs_completed_at, notebook_completed_at, outputs_completed_at)),
       count(*) filter (where status = 'completed'), 0, count(*) filter (where status = 'errored'), 0
     from executions join applications on applications.id = application_id group by 1, 2, 3, 4`,
  )
  await db.query('vacuum (analyze) executions')
  await db.query('vacuum (analyze) notebook_minutes')
  return notebookIds
}

const sumExecutions = ({ db, applicationId }: Store, start: string) =>
  db.query(
    `select (outputs_completed_at at time zone 'UTC')::date as day, count(*),
       sum(billed_minutes(inputs_completed_at, notebook_completed_at, outputs_completed_at))
     from executions where application_id = $1 and outputs_completed_at >= $2 group by 1`,
    [applicationId, start],
  )

/** Ends executions of one notebook one after the other, each durably. */
async function ends({ db, applicationId }: Store, notebookId: string): Promise<number> {
  const ids = Array.from({ length: ENDS }, newId)
  await db.query(
    `insert into executions (id, application_id, notebook_id, status, snapshot, relative_to, source_type,
       max_run_minutes, inputs_completed_at)
     select id, $2, $3, 'inProgress', '{}', now(), 'user', 60, now() from unnest($1::text[]) as made (id)`,
    [ids, applicationId, notebookId],
  )
  return timed(async () => {
    for (const id of ids) {
      await db.query(
        `update executions set status = 'completed', notebook_completed_at = now(), outputs_completed_at = now()
         where id = $1 and status = 'inProgress'`,
        [id],
      )
    }
  })
}

async function uncounted({ db }: Store, work: () => Promise<number>): Promise<number> {
  await db.query('alter table executions disable trigger executions_count_minutes')
  try {
    return await work()
  } finally {
    await db.query('alter table executions enable trigger executions_count_minutes')
  }
}

function report(rows: number, found: readonly Timed[], told: string): Report {
  const of = (name: string) => found.find((row) => row.name === name)?.medianMs ?? Number.NaN
  const [counted, not] = [of(`${ENDS} ends, counted`) / ENDS, of(`${ENDS} ends, not counted`) / ENDS]
  return {
    name: 'minutes',
    says: `${rows} executions of ${NOTEBOOKS} notebooks in ${DAYS} days`,
    tables: [
      {
        head: ['', 'median, ms', 'min', 'max'],
        rows: found.map(({ name, medianMs, minMs, maxMs }) => [name, medianMs, minMs, maxMs]),
      },
    ],
    bars: [
      atMost('this month, application', of('this month, application'), 20, 'ms'),
      atMost(`stats of ${NOTEBOOKS} notebooks`, of(`stats of ${NOTEBOOKS} notebooks`), 20, 'ms'),
    ],
    notes: [
      `An end that is counted takes ${counted.toFixed(2)} ms, one that is not ${not.toFixed(2)}: ${(counted / not).toFixed(2)} times.`,
      `The sum over the executions takes ${(of('30 days, summed over executions') / of('30 days from this hour on, application')).toFixed(0)} times as long as the days that were counted.`,
      told,
    ],
  }
}
