/** `npm run bench -- <name>`: the benchmarks, one at a time. */

import { parseArgs } from 'node:util'
import { benchCells } from './cells.ts'
import { benchHttp } from './http.ts'
import { benchIngest } from './ingest.ts'
import { benchMinutes } from './minutes.ts'
import { type BenchOptions, countOf } from './options.ts'
import { benchOverhead } from './overhead.ts'
import { benchPatterns } from './patterns.ts'
import { benchRender } from './render.ts'
import { asJson, printed, type Report } from './report.ts'
import { benchStaging } from './staging.ts'
import { benchTables } from './tables.ts'
import { benchExport } from './telemetry/export.ts'
import { benchSlice } from './telemetry/slice.ts'
import { benchThroughput } from './throughput.ts'

const BENCHES: Record<string, { says: string; run: (options: BenchOptions) => Promise<Report> }> = {
  overhead: {
    says: 'short notebooks through the API against nbclient and papermill in the same image',
    run: ({ rounds }) => benchOverhead(rounds ?? 9),
  },
  throughput: { says: '200 waiting executions: finished per second, memory of a spare', run: benchThroughput },
  cells: {
    says: '1,000 and 5,000 cells, 50 MB of output: time and memory in proportion',
    run: ({ rounds }) => benchCells(rounds ?? 9),
  },
  render: {
    says: 'pages of 70 cells: ours, a fresh process, jupyter nbconvert',
    run: ({ rounds }) => benchRender(rounds ?? 9),
  },
  ingest: { says: 'batches of 100 states over 16 connections: states a second, waiting, the loop', run: benchIngest },
  http: {
    says: 'a notebook and a list of 100 through the door, beside a bare Fastify route over the same rows',
    run: benchHttp,
  },
  patterns: { says: 'lists of 1,000 long names, filtered by patterns that are made to cost', run: benchPatterns },
  export: {
    says: '10 million rows as CSV, beside DuckDB alone and PostgreSQL; what memory it takes',
    run: benchExport,
  },
  slice: { says: 'a slice of fixed size while the history around it grows tenfold', run: benchSlice },
  tables: { says: 'a million rows of a data table in from CSV and out again', run: benchTables },
  minutes: {
    says: 'what runs used, beside a million executions; what an end pays for being counted',
    run: benchMinutes,
  },
  staging: {
    says: "one device's day as an input, from the claim until it is there, hot and sealed",
    run: benchStaging,
  },
}

const HELP = `npm run bench -- [names] [--rounds N] [--rows N] [--json]

${Object.entries(BENCHES)
  .map(([name, { says }]) => `  ${name.padEnd(12)} ${says}`)
  .join('\n')}

  --rounds N   how often each contestant is measured, interleaved, after one round that does not count
  --rows N     how many rows or states, where a benchmark has them; fewer than its bars are about proves nothing of them
  --json       the report for programs`

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      rows: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return console.log(HELP)
  const options = { rounds: countOf('rounds', values.rounds), rows: countOf('rows', values.rows) }
  const unknown = positionals.find((name) => !(name in BENCHES))
  if (unknown !== undefined) throw new Error(`There is no benchmark "${unknown}".\n\n${HELP}`)
  const reports: Report[] = []
  for (const [name, bench] of Object.entries(BENCHES)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue
    const report = await bench.run(options)
    reports.push(report)
    if (!values.json) console.log(printed(report))
  }
  if (values.json) console.log(asJson(reports))
}

try {
  await main()
} catch (error) {
  console.error(error)
  process.exitCode = 1
}
