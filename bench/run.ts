/** `npm run bench -- <name>`: the benchmarks, one at a time. */

import { parseArgs } from 'node:util'
import { benchOverhead } from './overhead.ts'

const BENCHES: Record<string, { says: string; run: (rounds: number) => Promise<void> }> = {
  overhead: { says: '11 cells through the API against nbclient in the same image', run: benchOverhead },
}

const HELP = `npm run bench -- <name> [--rounds N]

${Object.entries(BENCHES)
  .map(([name, { says }]) => `  ${name.padEnd(12)} ${says}`)
  .join('\n')}`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '9' }, help: { type: 'boolean' } },
})
const rounds = Number(values.rounds)
const unknown = positionals.filter((name) => !(name in BENCHES))
if (values.help || unknown.length > 0 || !(rounds >= 1)) {
  if (unknown.length > 0) console.error(`There is no benchmark "${unknown[0]}".\n`)
  console.log(HELP)
  process.exitCode = unknown.length > 0 ? 1 : 0
} else {
  for (const [name, bench] of Object.entries(BENCHES)) {
    if (positionals.length === 0 || positionals.includes(name)) await bench.run(rounds)
  }
}
