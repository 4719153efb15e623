/** `npm run bench -- <name>`: the benchmarks, one at a time. */

import { parseArgs } from 'node:util'
import { benchCells } from './cells.ts'
import { benchOverhead } from './overhead.ts'
import { asJson, printed, type Report } from './report.ts'
import { benchThroughput } from './throughput.ts'

const BENCHES: Record<string, { says: string; run: (rounds: number) => Promise<Report> }> = {
  overhead: {
    says: 'short notebooks through the API against nbclient and papermill in the same image',
    run: benchOverhead,
  },
  throughput: { says: '200 waiting executions: finished per second, memory of a spare', run: benchThroughput },
  cells: { says: '1,000 and 5,000 cells, 50 MB of output: time and memory in proportion', run: benchCells },
}

const HELP = `npm run bench -- <name> [--rounds N] [--json]

${Object.entries(BENCHES)
  .map(([name, { says }]) => `  ${name.padEnd(12)} ${says}`)
  .join('\n')}`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '9' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  },
})
const rounds = Number(values.rounds)
const unknown = positionals.filter((name) => !(name in BENCHES))
if (values.help || unknown.length > 0 || !(rounds >= 1)) {
  if (unknown.length > 0) console.error(`There is no benchmark "${unknown[0]}".\n`)
  console.log(HELP)
  process.exitCode = unknown.length > 0 ? 1 : 0
} else {
  const reports: Report[] = []
  for (const [name, bench] of Object.entries(BENCHES)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue
    const report = await bench.run(rounds)
    reports.push(report)
    if (!values.json) console.log(printed(report))
  }
  if (values.json) console.log(asJson(reports))
}
