/** `npm run soak`: a cluster with two workers works for some minutes while random parts of it are killed, stopped and restarted. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { signIn } from '../../client/client.ts'
import { type Chance, createChance } from './chance.ts'
import { type Cluster, openCluster } from './cluster.ts'
import { faultsFor } from './faults.ts'
import { type Lanes, look, openLanes } from './lanes.ts'
import { causeOf, judgeEnds, judgeLeftovers, judgeLogs, judgeOutputs, judgeRemains, tally } from './verdict.ts'
import { makeWorkplace } from './work.ts'

const HELP = `npm run soak -- [options]

Two workers and a door share an embedded database and run every kind of notebook, while random faults are injected:
processes killed, stopped and restarted, the database's as well. Ends with its counts; exit code 1 when anything was
lost, doubled or left behind.

  --minutes N   how long the faults go on (default 1)
  --seed N      repeat the choices of an earlier soak
  --lanes N     runs asked for at the same time (default 8)
  --keep        leave the data folder, with the logs, also when all is well
  --help        this text`

const EMAIL = 'soak@fieldbook.local'
const PASSWORD = 'only for the soak'
/** Enough for what waits when the faults are over, on a busy machine. */
const SETTLE_MS = 180_000
const WORKERS = 2

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    lanes: { type: 'string', default: '8' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) console.log(HELP)
else process.exitCode = (await soak(Number(values.minutes), Number(values.seed), Number(values.lanes))) ? 0 : 1

/** true when nothing is wrong. */
async function soak(minutes: number, seed: number, lanesCount: number): Promise<boolean> {
  if (!(minutes > 0) || !Number.isInteger(seed) || !(lanesCount >= 1)) throw new Error('see npm run soak -- --help')
  const dataDir = await mkdtemp(join(tmpdir(), 'fb-soak-'))
  console.log(`Soak of ${minutes} minutes, --seed ${seed}, in ${dataDir}`)
  const chance = createChance(seed)
  const problems: string[] = []
  const cluster = await openCluster({
    dataDir,
    workers: WORKERS,
    env: {
      FIELDBOOK_ADMIN_EMAIL: EMAIL,
      FIELDBOOK_ADMIN_PASSWORD: PASSWORD,
      FIELDBOOK_SLOTS: '2',
      FIELDBOOK_SPARES: '1',
      FIELDBOOK_RUN_MEMORY: '400MB',
      FIELDBOOK_DRAIN: '2s',
    },
  })
  try {
    const client = await signIn(cluster.url, EMAIL, PASSWORD)
    const place = await makeWorkplace(client)
    const lanes = openLanes(client, place, chance, lanesCount)
    const injected = await injectFaults(cluster, lanes, chance, minutes, problems)
    await lanes.finish(SETTLE_MS)
    for (const run of lanes.runs) await look(client, place, run)
    problems.push(...judgeEnds(lanes.runs, injected.get('kernel or spare killed') ?? 0))
    problems.push(...(await judgeOutputs(client, place, lanes.runs)))
    report(lanes, injected)
    problems.push(...(await judgeRemains(cluster)))
  } finally {
    await cluster[Symbol.asyncDispose]()
  }
  problems.push(...judgeLogs(await cluster.logs()), ...(await judgeLeftovers(cluster)))
  for (const problem of problems) console.log(`  ✗ ${problem}`)
  console.log(
    problems.length === 0
      ? 'Nothing lost, nothing doubled, nothing left behind.'
      : `${problems.length} problems; the logs are in ${dataDir}`,
  )
  if (problems.length === 0 && !values.keep) await rm(dataDir, { recursive: true, force: true })
  return problems.length === 0
}

/** One after the other, with pauses in which the cluster comes back; gives how often each hit something. */
async function injectFaults(
  cluster: Cluster,
  lanes: Lanes,
  chance: Chance,
  minutes: number,
  problems: string[],
): Promise<Map<string, number>> {
  const faults = faultsFor(minutes)
  const injected: string[] = []
  const startedAt = performance.now()
  while (performance.now() - startedAt < minutes * 60_000) {
    await pause(chance.between(500, 4000))
    const fault = chance.pick(faults)
    try {
      if (await fault.inject(cluster, chance)) injected.push(fault.name)
    } catch (error) {
      problems.push(`${fault.name}: ${error instanceof Error ? error.message : error}`)
    }
    const ended = lanes.runs.filter(({ endings }) => endings.size > 0).length
    const at = Math.round((performance.now() - startedAt) / 1000)
    console.log(
      `${String(at).padStart(5)} s  ${fault.name.padEnd(30)} ${lanes.runs.length} runs asked for, ${ended} ended`,
    )
  }
  return tally(injected)
}

function report(lanes: Lanes, injected: ReadonlyMap<string, number>): void {
  const list = (title: string, counts: ReadonlyMap<string, number>) => {
    console.log(`\n${title}`)
    for (const [name, count] of [...counts].toSorted(([, a], [, b]) => b - a)) {
      console.log(`  ${String(count).padStart(6)}  ${name}`)
    }
  }
  const { runs, refused } = lanes
  list(
    `${runs.length} runs, and ${refused} requests that were refused or never arrived`,
    tally(runs.map(({ last }) => [last?.status, causeOf(last)].filter(Boolean).join(' '))),
  )
  list('attempts a run took', tally(runs.map(({ last }) => String(last?.attempt))))
  list('faults', injected)
  console.log('')
}
