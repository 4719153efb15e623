/**
 * What running a notebook costs beside its own work: through our API, from POST execute until the final status is seen,
 * against scripts with nbclient and papermill in the same image, which run without a sandbox, an API or stored results.
 */

import { createGate } from './idle.ts'
import { type Contestant, interleave, spread, type Timed } from './measure.ts'
import { type BenchNotebook, ELEVEN, HUNDRED, PLOT, TRIVIAL } from './notebooks.ts'
import { type Detail, executeOnce, type Ours, openOurs } from './ours.ts'
import { openPeers, type Peers } from './peers.ts'
import { atLeast, atMost, type Bar, type Report } from './report.ts'

/** The bars of issue 3: ms through the API, and how many times faster than papermill. */
const BARS = [
  { notebook: TRIVIAL, mostMs: 60, leastTimes: 25 },
  { notebook: PLOT, mostMs: 260, leastTimes: 10 },
  { notebook: HUNDRED, mostMs: 220, leastTimes: 18 },
  { notebook: ELEVEN, mostMs: 150, leastTimes: 10 },
] as const
const COLD_MOST_MS = 1000

/** Neither a fork server nor anything started before it is asked for. */
const COLD = { FIELDBOOK_FORK_SERVER: 'off', FIELDBOOK_SPARES: '0' }

/** `rounds` runs of each contestant, which take turns. */
export async function benchOverhead(rounds: number): Promise<Report> {
  await using ours = await openOurs()
  await using cold = await openOurs(COLD)
  await using peers = await openPeers(await historyCsv(ours))
  const seen = new Map<string, Detail[]>()
  const contestants: Contestant[] = []
  for (const { notebook } of BARS) contestants.push(...(await contestantsOf(notebook, ours, peers, seen)))
  contestants.push(await oursOn(cold, TRIVIAL, nameOf(TRIVIAL, 'cold'), new Map()))
  const gate = createGate()
  const timed = new Map((await interleave(contestants, rounds, gate.pass)).map((row) => [row.name, row]))
  return {
    name: 'overhead',
    says: `${rounds} interleaved runs of each after one that does not count, ms`,
    tables: [timesTable(timed, peers), phasesTable(seen)],
    bars: [
      ...BARS.flatMap((bar) => barsOf(bar, timed)),
      atMost('cold', medianOf(timed, TRIVIAL, 'cold'), COLD_MOST_MS, 'ms'),
    ],
    notes: [
      'Ours: POST execute until the final status is seen, as the last event of the execution.',
      'Peers: from the start of a script of the image to its end, without a sandbox.',
      `Cold: the service with ${Object.entries(COLD)
        .map((pair) => pair.join('='))
        .join(' ')}.`,
      gate.told,
      ...(peers.missing ? [peers.missing] : []),
    ],
  }
}

const nameOf = ({ name }: BenchNotebook, who: string) => `${name}, ${who}`

const medianOf = (timed: ReadonlyMap<string, Timed>, notebook: BenchNotebook, who: string) =>
  timed.get(nameOf(notebook, who))?.medianMs ?? 0

async function contestantsOf(
  notebook: BenchNotebook,
  ours: Ours,
  peers: Peers,
  seen: Map<string, Detail[]>,
): Promise<Contestant[]> {
  return [
    ...peers.names.map((peer) => ({ name: nameOf(notebook, peer), run: () => peers.run(peer, notebook) })),
    await oursOn(ours, notebook, nameOf(notebook, 'ours'), seen),
  ]
}

async function oursOn(
  ours: Ours,
  notebook: BenchNotebook,
  name: string,
  seen: Map<string, Detail[]>,
): Promise<Contestant> {
  const ids = await ours.prepare(notebook)
  const details: Detail[] = []
  seen.set(notebook.name, details)
  return {
    name,
    run: async () => {
      const { detail, tookMs } = await executeOnce(ours.client, ids)
      details.push(detail)
      return tookMs
    },
  }
}

/** What ours stages as the input, so that peers read the very same bytes. */
async function historyCsv(ours: Ours): Promise<string> {
  const { detail } = await executeOnce(ours.client, await ours.prepare(ELEVEN))
  return (await fetch(detail.inputInfo['history.csv']?.url ?? '')).text()
}

function timesTable(timed: ReadonlyMap<string, Timed>, peers: Peers) {
  const rows = [...timed.values()].map((row) => {
    const papermill = timed.get(row.name.replace(/, .*/, ', papermill'))
    const ratio = papermill && row !== papermill ? `${(papermill.medianMs / row.medianMs).toFixed(1)} ×` : ''
    return [row.name, Math.round(row.medianMs), Math.round(row.minMs), Math.round(row.maxMs), ratio]
  })
  const against = peers.names.includes('papermill') ? 'faster than papermill' : ''
  return { head: ['', 'median', 'min', 'max', against], rows }
}

const MOMENTS = [
  'runQueuedAt',
  'runStartedAt',
  'inputsCompletedAt',
  'notebookCompletedAt',
  'outputsCompletedAt',
] as const

/** Where the time of ours goes, from the timestamps of its own log: medians of each step. */
function phasesTable(seen: ReadonlyMap<string, readonly Detail[]>) {
  const rows = [...seen].map(([name, [_, ...details]]) => {
    const steps = MOMENTS.slice(1).map((moment, index) => {
      const before = MOMENTS[index] ?? moment
      return spread(details.map((detail) => at(detail, moment) - at(detail, before))).medianMs
    })
    return [name, ...steps]
  })
  return { head: ['where ours spends it', 'queued', 'inputs', 'notebook', 'outputs'], rows }
}

const at = (detail: Detail, moment: (typeof MOMENTS)[number]) => Date.parse(detail[moment] ?? '')

function barsOf({ notebook, mostMs, leastTimes }: (typeof BARS)[number], timed: ReadonlyMap<string, Timed>): Bar[] {
  const ours = medianOf(timed, notebook, 'ours')
  const papermill = medianOf(timed, notebook, 'papermill')
  const time = atMost(notebook.name, ours, mostMs, 'ms')
  if (papermill === 0) return [time]
  return [time, atLeast(`${notebook.name}, times papermill`, papermill / ours, leastTimes, '×')]
}
